/** All that can happen next in a world. */
import { canonical, settle } from './canon.ts';
import { DEEDS } from './deeds.ts';
import { movesOfPeople } from './people.ts';
import { movesOfPsp, type PspStatus } from './psp.ts';
import { type Move, movesOfWork, type Play } from './work.ts';
import type { World } from './world.ts';

/** @param simplify worlds that can only go the same way are one; a walk over the real books keeps the real numbers. */
export function movesOf(world: World, play: Play, simplify: (world: World) => World = canonical): Move[] {
  const moves: Move[] = [
    ...movesOfWork(world, play),
    ...movesOfPsp(world, play.bounds.messages),
    ...movesOfClock(world),
    ...movesOfPeople(world, play),
  ];
  return moves.map((move) => ({ ...move, after: simplify(settle(noted(world, move.after), play.rules)) }));
}

/** The first deadline of an outcome that is unknown passes. */
function movesOfClock(world: World): Move[] {
  const newest = world.books.attempts.at(-1);
  const isSet = newest !== undefined && newest.unknownAt !== null && newest.state === 'open';
  if (world.isLate || !isSet) return [];
  return [{ deed: { does: 'deadline_passes', attempt: world.books.attempts.length }, after: { ...world, isLate: true } }];
}

/** What an operator acknowledged holds until money goes out or comes back at the PSP, or a transfer fails. */
const noted = (before: World, after: World): World =>
  after.isAcknowledged && after.psp.some(({ status }, index) => decided(status) !== decided(before.psp[index]?.status))
    ? { ...after, isAcknowledged: false }
    : after;

const decided = (status: PspStatus | undefined): string =>
  status === 'paid' || status === 'failed' || status === 'returned' ? status : 'undecided';

export const isDue = ({ deed }: Move): boolean => DEEDS[deed.does].due;
