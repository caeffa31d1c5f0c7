/** What a resolution's workflow does in a market's world: one activity after the other, each in its steps (activities/markets/resolution.ts). */
import { next } from '../../src/markets/rules/next.ts';
import type { MarketBooks, Planned, Told } from './books.ts';
import { resolutionOf } from './books.ts';
import { endWindow } from './decisions.ts';
import { plan, planned, usersLeft } from './paying.ts';
import type { MarketRules } from './rules.ts';

export type Step = 'pay' | 'unpay';

/**
 * Where it is. `look`: it reads how the resolution stands, and `next` (src/markets/rules/next.ts) says what to do; `close`: nothing, and it
 * ends unless it has been told something meanwhile; `wait`: until it is.
 */
export type Task =
  | {
      readonly at:
        | 'look'
        | 'close'
        | 'wait'
        | 'endWindow'
        | 'cover'
        | 'plan'
        | 'find'
        | 'finish'
        | 'verify'
        | 'endPaying'
        | 'stop'
        | 'endRollback';
    }
  | { readonly at: 'fix'; readonly found: Planned }
  | { readonly at: 'read'; readonly name: Step; readonly after: string }
  | { readonly at: 'step'; readonly name: Step; readonly ids: readonly string[]; readonly isLast: boolean }
  | { readonly at: 'apart'; readonly name: Step; readonly ids: readonly string[]; readonly next: Task };

export interface Worked {
  readonly books: MarketBooks;
  readonly task: Task;
}

const LOOK: Task = { at: 'look' };
const END: Readonly<Record<Step, Task>> = { pay: { at: 'finish' }, unpay: { at: 'endRollback' } };

const TASKS = {
  look: { at: 'wait' },
  endWindow: { at: 'endWindow' },
  cover: { at: 'cover' },
  plan: { at: 'plan' },
  pay: { at: 'read', name: 'pay', after: '' },
  rollBack: { at: 'read', name: 'unpay', after: '' },
} as const satisfies Record<string, Task>;

/** What is done for the whole of a resolution, each by one function of the books, which may refuse it for good. */
export const isForAll = ({ at }: Task): boolean =>
  at === 'endWindow' || at === 'cover' || at === 'plan' || at === 'fix' || at === 'endPaying' || at === 'endRollback';

/** Who waits is woken by a word, or by the clock. */
export const isWaiting = (books: MarketBooks, nth: number, task: Task): boolean => {
  if (task.at === 'wait') return true;
  const { state, isWindowOver } = resolutionOf(books, nth);
  return task.at === 'endWindow' && state === 'DISPUTE_WINDOW' && !isWindowOver;
};

/** One step of it. @throws where the books refuse it for good */
export function work(books: MarketBooks, nth: number, task: Task, step: number, rules: MarketRules): Worked {
  const { state, paidUsers, plan: its } = resolutionOf(books, nth);
  const then = (told: Told, after: Task = LOOK): Worked => ({ books: told.books, task: after });
  switch (task.at) {
    case 'wait':
    case 'close':
      return { books, task: LOOK };
    case 'look': {
      const act = next({ state, windowLeftMs: 0, isPaused: books.isPaused }, 0);
      return { books, task: act.do === 'end' ? { at: 'close' } : TASKS[act.do] };
    }
    case 'endWindow':
      return then(endWindow(books, nth));
    case 'cover': {
      const told = rules.cover(books, nth);
      // Asked again and again until there is money: the world is the same as long as there is none.
      return then(told, told.outcome === 'short' ? task : LOOK);
    }
    case 'plan': {
      const told = rules.cover(books, nth);
      return then(told, told.outcome === 'whole' ? { at: 'find' } : LOOK);
    }
    case 'find':
      return { books, task: { at: 'fix', found: planned(books, resolutionOf(books, nth).outcome) } };
    case 'fix':
      return then(plan(books, nth, task.found));
    case 'read': {
      const ids = usersLeft(books, nth, task.after, step);
      return { books, task: ids.length === 0 ? END[task.name] : { at: 'step', name: task.name, ids, isLast: ids.length < step } };
    }
    case 'step': {
      const told = rules[task.name](books, nth, task.ids);
      if (told.outcome !== 'done') return then(told);
      const after: Task = task.isLast ? END[task.name] : { at: 'read', name: task.name, after: task.ids.at(-1) ?? '' };
      const { apart = [] } = told;
      return then(told, apart.length > 0 ? { at: 'apart', name: task.name, ids: apart, next: after } : after);
    }
    case 'apart': {
      const [first = '', ...rest] = task.ids;
      const told = rules[task.name](books, nth, [first]);
      if (told.outcome !== 'done') return then(told);
      return then(told, rest.length > 0 ? { ...task, ids: rest } : task.next);
    }
    case 'finish': {
      if (state !== 'PAYING') return { books, task: LOOK };
      const isPaid = paidUsers === Object.keys(resolutionOf(books, nth).distributions).length && paidUsers > 0;
      return { books, task: isPaid ? { at: 'verify' } : { at: 'endPaying' } };
    }
    case 'verify': // the pool, as the last thing of it; the payouts are what brokenAlways looks at
      return { books, task: books.pool === its?.feeTotal ? { at: 'endPaying' } : { at: 'stop' } };
    case 'stop':
      return then(rules.stop(books, nth));
    case 'endPaying':
      return then(rules.endPaying(books, nth));
    case 'endRollback':
      return then(rules.endRollback(books, nth));
  }
}

export const sentenceOf = (task: Task): string => {
  if (task.at === 'step') return `${task.name}s ${task.ids.join(' and ')}`;
  if (task.at === 'apart') return `${task.name}s ${task.ids[0]} alone`;
  if (task.at === 'read') return 'reads who is left';
  return SENTENCES[task.at];
};

const SENTENCES = {
  look: 'looks how it stands',
  close: 'has nothing to do',
  wait: 'is woken',
  endWindow: 'ends the window',
  cover: 'asks for the merchant’s money',
  plan: 'asks whether the pool is whole',
  find: 'finds who gets what is left over',
  fix: 'fixes the plan',
  finish: 'comes to the end',
  verify: 'verifies',
  stop: 'stops it',
  endPaying: 'books the fees',
  endRollback: 'takes the fees back',
} as const;
