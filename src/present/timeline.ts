/** A payout's events as its merchant sees them: every status in the words of the API, nothing of our inner workings. */
import { type PayoutState, PUBLIC_STATUS, type PublicStatus } from '../domain/payout/machine.ts';

export interface TimelineRow {
  readonly sequence: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly fromState: string | null;
  readonly toState: string;
  readonly data: unknown;
}

export interface TimelineEntry {
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly from: PublicStatus | null;
  readonly to: PublicStatus;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a merchant may know of a fact. An approver's note or an operator's evidence is not among it. */
const SHOWN = ['attempt', 'reason', 'reasons', 'source', 'via', 'fact', 'claim', 'lookUp'] as const;

export function presentTimelineEntry({ sequence, type, at, actor, fromState, toState, data }: TimelineRow): TimelineEntry {
  return {
    sequence,
    type,
    at: at.toISOString(),
    actor,
    from: fromState === null ? null : publicStatus(fromState),
    to: publicStatus(toState),
    data: presentData(typeof data === 'object' && data !== null ? { ...data } : {}),
  };
}

const publicStatus = (state: string): PublicStatus => PUBLIC_STATUS[state as PayoutState];

function presentData(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown = Object.fromEntries(SHOWN.filter((name) => data[name] !== undefined).map((name) => [name, data[name]]));
  const { failure } = data;
  if (typeof failure !== 'object' || failure === null) return shown;
  const { code, message, retryable } = failure as Readonly<Record<string, unknown>>;
  return { ...shown, failure: { code, message, retryable } };
}
