/** What must hold in every world, and what must hold of a world at rest. */

import type { AttemptRow } from '../src/payouts/rules/books.ts';
import { saysAlive } from '../src/payouts/rules/contract.ts';
import { isFinal, STATES } from '../src/payouts/rules/machine.ts';
import { isLiveAtPsp, type PspKey } from './pspKey.ts';
import { isDoubt, keyOf, type Message, payoutRun, standingOf, type Task, type World } from './world.ts';

/** Undefined: all is well. */
export function brokenAlways(world: World): string | undefined {
  const { psp, books } = world;
  const live = psp.filter(isLiveAtPsp).length + psp.reduce((sum, { twins }) => sum + twins, 0);
  const lies = psp.filter((key) => key.lied).length;
  if (live > 1 + lies) return `${live} payments are live outside`;
  const holdsNothing = STATES[books.state].money === 'none' && books.state !== 'RETURNED';
  if (holdsNothing && psp.some((key) => isLiveAtPsp(key) && !key.lied)) return 'the money is released, and the PSP may still pay';
  return undefined;
}

/** Nothing is due any more: what the books say now, they say until somebody does something. */
export function brokenAtRest(world: World): string | undefined {
  const { books, messages } = world;
  const standing = standingOf(world);
  const isDoubtOpen = (index: number) => books.attempts[index]?.state === 'doubted' && !isFinal(books.state);
  // Who has dealt with a doubt is not told of it again while look-ups are silent: the PSP may have ended it, and nobody can know.
  const isSameDoubt = (index: number) =>
    keyOf(world, index + 1).isSilent && isDoubt(world.acknowledged[index]) && isDoubt(standing[index]);
  const isAcknowledged = (index: number) =>
    (world.acknowledged[index] === standing[index] || isSameDoubt(index)) && !isDoubtOpen(index);
  // Of a silent attempt it stays stored, and is handed on again: but who says "alive", an operator has heard of.
  const isKept = ({ attempt, claim }: Message) =>
    keyOf(world, attempt).isSilent && (!saysAlive(claim) || books.needsOperator || isAcknowledged(attempt - 1));
  const forgotten = messages.find((message) => !isKept(message));
  if (forgotten) return `the message "${forgotten.claim}" of attempt ${forgotten.attempt} is dealt with by nobody`;
  if (books.needsOperator) return undefined;
  for (const [index, row] of books.attempts.entries()) {
    const key = keyOf(world, index + 1);
    const isStored = key.isSilent && messages.some(({ attempt }) => attempt === index + 1);
    if (!isStored && !isAcknowledged(index) && !rowAgrees(row, key, STATES[books.state].inFlight)) {
      return `attempt ${index + 1} is ${row.state} in the books and ${key.status} in the PSP's, and nobody is told`;
    }
  }
  const isAllAcknowledged = books.attempts.length > 0 && standing.every((_, index) => isAcknowledged(index));
  return (isAllAcknowledged ? undefined : disagreementOfState(world)) ?? stuck(world);
}

function rowAgrees(row: AttemptRow, { status }: PspKey, isInFlight: boolean): boolean {
  switch (row.state) {
    case 'succeeded':
      return status === 'paid';
    case 'returned':
      return status === 'returned';
    case 'failed':
      return status === 'none' || status === 'failed';
    case 'doubted':
      return false; // somebody must be told
    case 'open':
      return isInFlight ? ['queued', 'held', 'processing'].includes(status) : status === 'none';
  }
}

function disagreementOfState({ books }: World): string | undefined {
  const paid = books.attempts.filter(({ state }) => state === 'succeeded').length;
  const expected = STATES[books.state].money === 'paid' ? 1 : 0;
  return paid === expected ? undefined : `the payout is ${books.state}, but ${paid} of its attempts are paid`;
}

/** Somebody, or something, must be able to move it. */
function stuck(world: World): string | undefined {
  const { books } = world;
  if (isFinal(books.state)) return undefined;
  if (['REVIEW_ON_HOLD', 'ON_HOLD', 'UNRESOLVED'].includes(books.state)) return undefined; // a person has been told
  if (books.state === 'QUEUED' && books.run === 'awaited') return undefined; // a run comes
  const run = payoutRun(world);
  const isAnswered = (task: Task) => task.what === 'look_up' && !keyOf(world, task.attempt).isSilent;
  if (run?.tasks.some(isAnswered) && run.tasks.every(isAnswered)) return undefined; // the PSP's answer moves it
  return `the payout stays ${books.state}, and nobody is told`;
}
