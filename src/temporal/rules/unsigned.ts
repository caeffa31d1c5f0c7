/**
 * What Temporal hands us and we did not encrypt for this very workflow: the codec lets it through, marked, because an
 * error there would fail the workflow's task for ever. Who receives it decides: refuse, drop, ask again.
 */

/** Why a payload is nobody's word that we know. */
export type Unsigned =
  | 'it is not encrypted'
  | 'it was changed, or encrypted for another workflow'
  | 'it was encrypted for something else'
  | 'it says nothing that is encrypted'
  | 'no key of ours has the name of its own';

const MARK = '$unsigned';

export interface Marked {
  readonly [MARK]: Unsigned;
  /** What a plain one says, where it says something in JSON. */
  readonly value?: unknown;
}

export const marked = (why: Unsigned, value?: unknown): Marked =>
  value === undefined ? { [MARK]: why } : { [MARK]: why, value };

/** Undefined: the value is one of ours. We make none with this mark; and nobody else's comes without. */
export function unsigned(value: unknown): Marked | undefined {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, MARK) ? (value as Marked) : undefined;
}

export const whyUnsigned = (mark: Marked): Unsigned => mark[MARK];

/** The type of a failure, such as an activity's, that none of our processes has written. */
export const UNSIGNED_FAILURE = 'Unsigned';

/**
 * An activity's result travels in a wrapping of its own, with the nonce of the call that it answers: neither what was sent
 * to it nor what another call was answered, in an earlier run or of another activity, comes back as its answer.
 */
const ANSWER = '$answer';

interface Answer {
  readonly [ANSWER]: unknown;
  readonly nonce: string | null;
}

export const wrapped = (answer: unknown, nonce: string | null): Answer => ({ [ANSWER]: answer ?? null, nonce });

export const answers = (value: unknown, nonce: string): value is Answer =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, ANSWER) && (value as Answer).nonce === nonce;

export const unwrapped = (value: Answer): unknown => value[ANSWER];

/** The same on an error: src/temporal/failureConverter.cjs has it travel encrypted. */
export interface FailedCall {
  answerTo?: string | null;
}
