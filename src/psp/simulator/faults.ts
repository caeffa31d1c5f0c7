/**
 * Faults on request: what can go wrong between a customer and a PSP. Kinds, their parameters, and which of the
 * active ones apply to a request or a callback: pure. Their rows are in faultStore.ts.
 *
 * Where a kind strikes:
 * - `wait`: before anything else; the request goes on normally afterwards, also when the client is gone
 * - `door`: instead of the request; nothing is taken
 * - `book`: what the book says of a new transfer, and what becomes of it
 * - `pause`: between the book and the answer, whatever that is
 * - `answer`: after the transfer is in the book
 * - `lookUp`: what is said to whoever looks a transfer up that is in the book
 * - `callback`: on what is sent when a transfer's status changes
 * - `text`: on every text for people, in an answer or in a callback
 */
import { z } from 'zod';
import { TRANSFER_STATUSES, type TransferStatus, text } from './transfer.ts';

type Phase = 'wait' | 'door' | 'book' | 'pause' | 'answer' | 'lookUp' | 'callback' | 'text';

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
/** The same, without a limit where none is given. */
const timeIfAny = z.strictObject({ ms: z.int().min(0).max(HOUR_MS).optional() }).transform(({ ms }) => ({ ms: ms ?? null }));
const none = z.strictObject({});
const status5xx = z.int().min(500).max(599).default(500);

export const FAULT_KINDS = {
  delay: { phase: 'wait', params: time(1000) },
  /** Interim answers that nobody asked for come first: `100 Continue`, `103 Early Hints`. */
  informational: {
    phase: 'wait',
    params: z.strictObject({
      statuses: z
        .array(z.union([z.literal(100), z.literal(103)]))
        .min(1)
        .max(10)
        .default([100]),
    }),
  },
  /** 500, nothing taken; look-ups too only with `lookups`. */
  error_before: { phase: 'door', params: z.strictObject({ status: status5xx, lookups: z.boolean().default(false) }) },
  /** 429 with Retry-After, nothing taken. */
  rate_limit: { phase: 'door', params: z.strictObject({ seconds: z.int().min(0).max(3600).default(1) }) },
  /** Every connection is cut at once, nothing taken. */
  down: { phase: 'door', params: none },
  /** A reference that is in the book already is refused, in the PSP's words for a request it cannot use or in these. */
  refuse_resend: { phase: 'door', params: z.strictObject({ message: text(200).min(1).optional() }) },
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
  /** Once it is paid, the bank sends it back after so long, and by a retry of its own pays it again as long after that. */
  returned_then_paid: { phase: 'book', params: time(1000) },
  /** Takes it, and answers that much later: the callback comes first. */
  slow_answer: { phase: 'pause', params: time(1000) },
  /** Takes it, then 500. */
  error_after: { phase: 'answer', params: z.strictObject({ status: status5xx }) },
  /** Takes it, then cuts the connection. */
  cut_after: { phase: 'answer', params: none },
  /** Never answers; takes it, unless `take` is false. */
  no_answer: { phase: 'answer', params: z.strictObject({ take: z.boolean().default(true) }) },
  /** Its index lags: a look-up by reference or id finds nothing until the transfer is as old as this. */
  lagging_look_up: { phase: 'lookUp', params: timeIfAny },
  /**
   * Says another status than the book's, a word a time and the last one for as long as it goes on: to look-ups or, with
   * `callbacks`, in those. Without `times` as often as there are words; then it says the truth.
   */
  contradicts: {
    phase: 'lookUp',
    params: z.strictObject({
      words: z.array(z.enum(TRANSFER_STATUSES)).min(1).max(20),
      reason: text(200).min(1).optional(),
      callbacks: z.boolean().default(false),
    }),
  },
  /** The same event, `count` times in all. */
  duplicate_callback: { phase: 'callback', params: z.strictObject({ count: z.int().min(2).max(50).default(2) }) },
  late_callback: { phase: 'callback', params: time(5000) },
  /** A paid transfer's callback comes first, one that it is still processing that much later. */
  reordered_callbacks: { phase: 'callback', params: time(1000) },
  /** Two lies besides the true callback: one with a wrong signature, one signed well; both claim the opposite. */
  forged_callback: { phase: 'callback', params: none },
  no_callback: { phase: 'callback', params: none },
  /** A NUL and half a surrogate pair in every text for people: what JSON can say and PostgreSQL cannot keep. */
  nul_text: { phase: 'text', params: none },
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

/** How often a fault strikes that is added without `times`; null: until it is deleted. */
export function timesOf(kind: FaultKind, params: object): number | null {
  return kind === 'contradicts' && 'words' in params && Array.isArray(params.words) ? params.words.length : null;
}

/** What a fault can be matched against: a request for a transfer, a look-up of one, any other question, or a callback. */
export interface Target {
  readonly type: 'ask' | 'lookUp' | 'other' | 'callback';
  readonly reference: string | null;
  readonly accountNumber: string | null;
  readonly amount: string | null;
}
/** The same, and how long the transfer has been in the book; null: it is not. */
export type AgedTarget = Target & { readonly ageMs: number | null };

/** What one request meets. Of one place in the request only the oldest strikes; the others keep their count. */
export interface Struck {
  readonly delays: readonly FaultOf<'delay'>[];
  readonly interim: FaultOf<'informational'> | null;
  readonly door: FaultOf<'error_before' | 'rate_limit' | 'down' | 'refuse_resend'> | FaultOf<'no_answer'> | null;
  readonly amount: FaultOf<'wrong_amount'> | null;
  readonly fate: FaultOf<'returned_then_paid'> | null;
  readonly pauses: readonly FaultOf<'slow_answer'>[];
  readonly answer: FaultOf<'error_after' | 'cut_after' | 'no_answer'> | null;
  readonly lookUp: FaultOf<'lagging_look_up' | 'contradicts'> | null;
  readonly text: FaultOf<'nul_text'> | null;
}
export const UNSTRUCK: Struck = {
  delays: [],
  interim: null,
  door: null,
  amount: null,
  fate: null,
  pauses: [],
  answer: null,
  lookUp: null,
  text: null,
};

type DoorFault = NonNullable<Struck['door']>;
type AnswerFault = NonNullable<Struck['answer']>;
type LookUpFault = NonNullable<Struck['lookUp']>;

/** An answer that is withheld without taking the money is a door; a contradiction is of look-ups or of callbacks. */
function phaseOf(fault: Fault): Phase {
  if (fault.kind === 'no_answer' && !fault.params.take) return 'door';
  if (fault.kind === 'contradicts' && fault.params.callbacks) return 'callback';
  return FAULT_KINDS[fault.kind].phase;
}

const isA =
  <K extends FaultKind>(kind: K) =>
  (fault: Fault): fault is FaultOf<K> =>
    fault.kind === kind;
const isDoor = (fault: Fault): fault is DoorFault => phaseOf(fault) === 'door';
const isAnswer = (fault: Fault): fault is AnswerFault => phaseOf(fault) === 'answer';
const isOfLookUp = (fault: Fault): fault is LookUpFault => phaseOf(fault) === 'lookUp';

/** Besides requests for a transfer, which all but those of look-ups and callbacks can meet. */
const MEETS_QUESTIONS: ReadonlySet<FaultKind> = new Set(['delay', 'informational', 'down', 'rate_limit', 'nul_text']);

function reaches(fault: Fault, { type, ageMs }: AgedTarget): boolean {
  const isOfBook = fault.kind === 'refuse_resend' || phaseOf(fault) === 'lookUp';
  if (isOfBook && ageMs === null) return false; // it speaks of what the book has
  if (fault.kind === 'lagging_look_up' && fault.params.ms !== null && (ageMs ?? 0) >= fault.params.ms) return false;
  if (phaseOf(fault) === 'lookUp') return type === 'lookUp';
  if (type === 'ask') return phaseOf(fault) !== 'callback';
  return MEETS_QUESTIONS.has(fault.kind) || (fault.kind === 'error_before' && fault.params.lookups);
}

/** Chooses among the active faults, oldest first. */
export function strike(active: readonly Fault[], target: AgedTarget): Struck {
  const matching = active.filter((fault) => matches(fault, target) && reaches(fault, target));
  const first = <T extends Fault>(is: (fault: Fault) => fault is T): T | null => matching.find(is) ?? null;
  const delays = matching.filter(isA('delay'));
  const interim = first(isA('informational'));
  const text = first(isA('nul_text'));
  const door = first(isDoor);
  if (door) return { ...UNSTRUCK, delays, interim, door, text: isSilent(door) ? null : text };
  return {
    delays,
    interim,
    door,
    amount: first(isA('wrong_amount')),
    fate: first(isA('returned_then_paid')),
    pauses: matching.filter(isA('slow_answer')),
    answer: first(isAnswer),
    lookUp: first(isOfLookUp),
    text,
  };
}

const isSilent = ({ kind }: DoorFault): boolean => kind === 'down' || kind === 'no_answer';

/** Every fault in it, for counting down and for the tape. */
export function faultsIn(struck: Struck): Fault[] {
  const { delays, interim, door, amount, fate, pauses, answer, lookUp, text } = struck;
  return [...delays, interim, door, amount, fate, ...pauses, answer, lookUp, text].filter((fault) => fault !== null);
}

/** The callback faults that apply to a change of this transfer. `no_callback` leaves nothing for the others to do. */
export function strikeCallback(active: readonly Fault[], target: Target): Fault[] {
  const matching = active.filter((fault) => ['callback', 'text'].includes(phaseOf(fault)) && matches(fault, target));
  const silence = matching.find((fault) => fault.kind === 'no_callback');
  if (silence) return [silence];
  // One of a kind: two active faults of the same kind are two uses, not a double effect.
  return matching.filter((fault, index) => matching.findIndex((other) => other.kind === fault.kind) === index);
}

/** What it says this time; its uses are counted down afterwards. */
export function wordOf({ params: { words }, times, timesLeft }: FaultOf<'contradicts'>): TransferStatus {
  const said = (times ?? 0) - (timesLeft ?? 0);
  const word = words[Math.min(said, words.length - 1)];
  if (word === undefined) throw new RangeError('a contradiction without a word');
  return word;
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
