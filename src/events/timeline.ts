/** A payout's events as its owner sees them: every status in the owner's words, nothing of our inner workings. */

import { type PayoutState, PUBLIC_STATUS, type PublicStatus } from '../payouts/rules/machine.ts';
import { type ProviderStatus, providerStatus } from '../providers/present/providerPayout.ts';
import { formatMajor, isCurrency } from '../rules/money.ts';
import type { TimelineStep } from './reads.ts';

export type TimelineRow = Pick<TimelineStep, 'sequence' | 'type' | 'at' | 'actor' | 'data'>;

export interface TimelineEntry<Status> {
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly from: Status | null;
  readonly to: Status;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What an owner may know of a fact. An approver's note or an operator's evidence is not among it. */
const SHOWN = ['attempt', 'reason', 'reasons', 'source', 'via', 'fact', 'claim', 'lookUp'] as const;

type MerchantRow = TimelineRow & Pick<TimelineStep, 'fromState' | 'toState'>;

function presentTimelineEntry({ fromState, toState, ...row }: MerchantRow): TimelineEntry<PublicStatus> {
  return presentStep(row, fromState === null ? null : publicStatus(fromState), publicStatus(toState));
}

const publicStatus = (state: string): PublicStatus => PUBLIC_STATUS[state as PayoutState];

/** Of the records around the event, since the state alone does not tell a run from the wait for it. */
type ProviderRow = TimelineRow & Pick<TimelineStep, 'before' | 'after'>;

function presentProviderTimelineEntry({ before, after, ...row }: ProviderRow): TimelineEntry<ProviderStatus> {
  const [kind = ''] = row.actor.split(':');
  const actor = kind === 'admin' ? kind : row.actor; // which of them is the platform's affair
  return presentStep({ ...row, actor }, before && providerStatus(before), providerStatus(after));
}

function presentStep<Status>(
  { sequence, type, at, actor, data }: TimelineRow,
  from: Status | null,
  to: Status,
): TimelineEntry<Status> {
  const told = presentData(typeof data === 'object' && data !== null ? { ...data } : {});
  return { sequence, type, at: at.toISOString(), actor, from, to, data: told };
}

function presentData(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = Object.fromEntries(SHOWN.filter((name) => data[name] !== undefined).map((name) => [name, data[name]]));
  const shown = { ...known, ...presentDebt(data) };
  const { failure } = data;
  if (typeof failure !== 'object' || failure === null) return shown;
  const { code, message, retryable } = failure as Readonly<Record<string, unknown>>;
  return { ...shown, failure: { code, message, retryable } };
}

/** What is owed for the payout from now on, and what was repaid of it now. */
function presentDebt({ currency, debtMinor, repaidMinor }: Readonly<Record<string, unknown>>): Record<string, string> {
  if (typeof currency !== 'string' || !isCurrency(currency)) return {};
  const major = (name: string, minor: unknown) =>
    typeof minor === 'string' ? { [name]: formatMajor(BigInt(minor), currency) } : {};
  return { ...major('repaid', repaidMinor), ...major('debt', debtMinor) };
}

type OperatorRow = MerchantRow & { readonly id: string };

/** All that there is. */
function presentWhole({ id, sequence, type, at, actor, fromState, toState, data }: OperatorRow) {
  return { sequence, eventId: id, type, at, actor, from: fromState, to: toState, data };
}

/** How a step in the story of a subject is told, by the kind of the subject and of the reader. */
export const STEPS = {
  payout: { merchant: presentTimelineEntry, provider: presentProviderTimelineEntry, operator: presentWhole },
} as const;
