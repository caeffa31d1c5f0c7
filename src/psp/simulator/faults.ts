/**
 * Faults on request: what can go wrong between a customer and a PSP. Kinds, their parameters, and which of the
 * active ones apply to a request or a callback: pure. Their rows are in faultStore.ts.
 *
 * Where a kind strikes:
 * - `wait`: before anything else; the request goes on normally afterwards, also when the client is gone
 * - `door`: instead of the request; nothing is taken
 * - `book`: what the book says of a new transfer
 * - `pause`: between the book and the answer, whatever that is
 * - `answer`: after the transfer is in the book
 * - `callback`: on what is sent when a transfer's status changes
 */
import { z } from 'zod';
import { text } from './transfer.ts';

type Phase = 'wait' | 'door' | 'book' | 'pause' | 'answer' | 'callback';

const HOUR_MS = 3_600_000;
/** A time as `ms` or as `seconds`. */
const time = (defaultMs: number) =>
  z
    .strictObject({
      ms: z.int().min(0).max(HOUR_MS).optional(),
      seconds: z
        .number()
        .min(0)
        .max(HOUR_MS / 1000)
        .optional(),
    })
    .transform(({ ms, seconds }) => ({ ms: ms ?? (seconds === undefined ? defaultMs : Math.ceil(seconds * 1000)) }));
const none = z.strictObject({});
const status5xx = z.int().min(500).max(599).default(500);

export const FAULT_KINDS = {
  delay: { phase: 'wait', params: time(1000) },
  /** 500, nothing taken; look-ups too only with `lookups`. */
  error_before: { phase: 'door', params: z.strictObject({ status: status5xx, lookups: z.boolean().default(false) }) },
  /** 429 with Retry-After, nothing taken. */
  rate_limit: { phase: 'door', params: z.strictObject({ seconds: z.int().min(0).max(3600).default(1) }) },
  /** Every connection is cut at once, nothing taken. */
  down: { phase: 'door', params: none },
  /** The transfer is entered with another amount: `amount`, or one more than was asked. */
  wrong_amount: {
    phase: 'book',
    params: z.strictObject({
      amount: z
        .string()
        .regex(/^[1-9][0-9]{0,14}(\.[0-9]{1,8})?$/)
        .optional(),
    }),
  },
  /** Takes it, and answers that much later: the callback comes first. */
  slow_answer: { phase: 'pause', params: time(1000) },
  /** Takes it, then 500. */
  error_after: { phase: 'answer', params: z.strictObject({ status: status5xx }) },
  /** Takes it, then cuts the connection. */
  cut_after: { phase: 'answer', params: none },
  /** Never answers; takes it, unless `take` is false. */
  no_answer: { phase: 'answer', params: z.strictObject({ take: z.boolean().default(true) }) },
  /** The same event, `count` times in all. */
  duplicate_callback: { phase: 'callback', params: z.strictObject({ count: z.int().min(2).max(50).default(2) }) },
  late_callback: { phase: 'callback', params: time(5000) },
  /** A paid transfer's callback comes first, one that it is still processing that much later. */
  reordered_callbacks: { phase: 'callback', params: time(1000) },
  /** Two lies besides the true callback: one with a wrong signature, one signed well; both claim the opposite. */
  forged_callback: { phase: 'callback', params: none },
  no_callback: { phase: 'callback', params: none },
} as const satisfies Record<string, { phase: Phase; params: z.ZodType }>;

export type FaultKind = keyof typeof FAULT_KINDS;
type ParamsOf<K extends FaultKind> = z.output<(typeof FAULT_KINDS)[K]['params']>;

export interface Match {
  readonly accountNumber?: string | undefined;
  /** A prefix. */
  readonly reference?: string | undefined;
  readonly amount?: string | undefined;
}

export type Fault = {
  [K in FaultKind]: {
    readonly id: string;
    readonly kind: K;
    readonly match: Match;
    readonly params: ParamsOf<K>;
    readonly times: number | null;
    readonly timesLeft: number | null;
  };
}[FaultKind];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

const kinds = Object.keys(FAULT_KINDS) as [FaultKind, ...FaultKind[]];

/** `POST /control/faults`, before its params are read. */
export const faultRequest = z.strictObject({
  kind: z.enum(kinds),
  match: z
    .strictObject({
      accountNumber: text(100).min(1).optional(),
      reference: text(100).min(1).optional(),
      amount: z
        .string()
        .regex(/^[0-9]+(\.[0-9]+)?$/, 'a decimal string such as "1500.00"')
        .optional(),
    })
    .default({}),
  times: z.int().min(1).max(1_000_000).optional(),
  params: z.record(z.string(), z.unknown()).default({}),
});

/** What a fault can be matched against: a request for a transfer, a look-up, or a callback. */
export interface Target {
  readonly type: 'ask' | 'lookUp' | 'callback';
  readonly reference: string | null;
  readonly accountNumber: string | null;
  readonly amount: string | null;
}

/** What one request meets. Of the doors and of the answers only the oldest strikes; the others keep their count. */
export interface Struck {
  readonly delays: readonly FaultOf<'delay'>[];
  readonly door: FaultOf<'error_before' | 'rate_limit' | 'down'> | FaultOf<'no_answer'> | null;
  readonly book: FaultOf<'wrong_amount'> | null;
  readonly pauses: readonly FaultOf<'slow_answer'>[];
  readonly answer: FaultOf<'error_after' | 'cut_after' | 'no_answer'> | null;
}
export const UNSTRUCK: Struck = { delays: [], door: null, book: null, pauses: [], answer: null };

type DoorFault = NonNullable<Struck['door']>;
type AnswerFault = NonNullable<Struck['answer']>;

/** An answer that is withheld without taking the money is a door. */
const phaseOf = (fault: Fault): Phase =>
  fault.kind === 'no_answer' && !fault.params.take ? 'door' : FAULT_KINDS[fault.kind].phase;
const isDelay = (fault: Fault): fault is FaultOf<'delay'> => fault.kind === 'delay';
const isPause = (fault: Fault): fault is FaultOf<'slow_answer'> => fault.kind === 'slow_answer';
const isWrongAmount = (fault: Fault): fault is FaultOf<'wrong_amount'> => fault.kind === 'wrong_amount';
const isDoor = (fault: Fault): fault is DoorFault => phaseOf(fault) === 'door';
const isAnswer = (fault: Fault): fault is AnswerFault => phaseOf(fault) === 'answer';
const reachesLookUps = (fault: Fault): boolean =>
  fault.kind === 'delay' ||
  fault.kind === 'down' ||
  fault.kind === 'rate_limit' ||
  (fault.kind === 'error_before' && fault.params.lookups);

/** Chooses among the active faults, oldest first. */
export function strike(active: readonly Fault[], target: Target): Struck {
  const matching = active.filter((fault) => matches(fault, target) && (target.type === 'ask' || reachesLookUps(fault)));
  const delays = matching.filter(isDelay);
  const door = matching.find(isDoor) ?? null;
  if (door) return { ...UNSTRUCK, delays, door };
  const book = matching.find(isWrongAmount) ?? null;
  return { delays, door, book, pauses: matching.filter(isPause), answer: matching.find(isAnswer) ?? null };
}

/** Every fault in it, for counting down and for the tape. */
export function faultsIn(struck: Struck): Fault[] {
  return [...struck.delays, struck.door, struck.book, ...struck.pauses, struck.answer].filter((fault) => fault !== null);
}

/** The callback faults that apply to a change of this transfer. `no_callback` leaves nothing for the others to do. */
export function strikeCallback(active: readonly Fault[], target: Target): Fault[] {
  const matching = active.filter((fault) => phaseOf(fault) === 'callback' && matches(fault, target));
  const silence = matching.find((fault) => fault.kind === 'no_callback');
  if (silence) return [silence];
  // One of a kind: two active faults of the same kind are two uses, not a double effect.
  return matching.filter((fault, index) => matching.findIndex((other) => other.kind === fault.kind) === index);
}

function matches(fault: Fault, target: Target): boolean {
  const { accountNumber, reference, amount } = fault.match;
  if (accountNumber !== undefined && accountNumber !== target.accountNumber) return false;
  if (reference !== undefined && !target.reference?.startsWith(reference)) return false;
  return amount === undefined || (target.amount !== null && canonical(amount) === canonical(target.amount));
}

/** "1500", "1500.0" and "1500.00" are one amount. */
function canonical(amount: string): string {
  const [whole = '', decimals = ''] = amount.split('.');
  return `${whole.replace(/^0+(?=\d)/, '')}.${decimals.replace(/0+$/, '')}`;
}
