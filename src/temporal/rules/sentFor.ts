/**
 * Whatever we send through Temporal says, inside its encryption, what it is for: a start, signal, update or activity, and
 * of which name. So a copy of it is no argument of anything else, nor an answer. One payload a call: arguments of two
 * calls cannot be mixed.
 */
import { type Marked, marked, unsigned } from './unsigned.ts';

export type Role = 'start' | 'signal' | 'update' | 'activity';

const SENT_FOR = '$for';

export interface Sent {
  readonly [SENT_FOR]: readonly [role: Role, name: string];
  readonly args: readonly unknown[];
  /** An activity's answer must bear it: ids of activities are the same in each run of a workflow, this is not. */
  readonly nonce: string | null;
}

/** Arguments as they travel. In JSON, so an absent one in the middle would come as null: the last ones are left out. */
export function sentFor(role: Role, name: string, args: readonly unknown[], nonce: string | null = null): [Sent] {
  const last = args.findLastIndex((each) => each !== undefined);
  return [{ [SENT_FOR]: [role, name], args: args.slice(0, last + 1), nonce }];
}

/** What was sent, where it was sent by us and for this; else a mark that says why it does not count. */
export function heardAs(role: Role, name: string, received: readonly unknown[]): Sent | Marked {
  const [first, ...others] = received;
  if (received.length === 0) return marked('it says nothing that is encrypted');
  const mark = received.map(unsigned).find((each) => each !== undefined);
  if (mark) return mark;
  return others.length === 0 && isSent(first) && first[SENT_FOR][0] === role && first[SENT_FOR][1] === name
    ? first
    : marked('it was encrypted for something else');
}

/** Nobody but us could have encrypted the mark: its shape is ours. */
const isSent = (value: unknown): value is Sent => typeof value === 'object' && value !== null && Object.hasOwn(value, SENT_FOR);
