/** All that can happen next in a world. */
import { canonical, settle } from './canon.ts';
import { DEEDS } from './deeds.ts';
import { movesOfPeople } from './people.ts';
import { movesOfPsp } from './psp.ts';
import { type Move, movesOfWork, type Play } from './work.ts';
import { isDoubt, standingOf, type World } from './world.ts';

/** @param simplify worlds that can only go the same way are one; a walk over the real books keeps the real numbers. */
export function movesOf(world: World, play: Play, simplify: (world: World) => World = canonical): Move[] {
  const moves: Move[] = [
    ...movesOfWork(world, play),
    ...movesOfPsp(world, play.bounds.messages),
    ...movesOfClock(world),
    ...movesOfPeople(world, play),
  ];
  return moves.map((move) => ({ ...move, after: simplify(settle(noted(move.after), play.rules)) }));
}

/** The first deadline of an outcome that is unknown passes. */
function movesOfClock(world: World): Move[] {
  const newest = world.books.attempts.at(-1);
  const isSet = newest !== undefined && newest.unknownAt !== null && newest.state === 'open';
  if (world.isLate || !isSet) return [];
  return [{ deed: { does: 'deadline_passes', attempt: world.books.attempts.length }, after: { ...world, isLate: true } }];
}

/** What an operator acknowledged holds of each attempt until it stands otherwise, here or at the PSP; a doubt until the books end it. */
function noted(world: World): World {
  if (world.acknowledged.every((each) => each === null)) return world;
  const standing = standingOf(world);
  const holds = (each: string | null, index: number) => each === standing[index] || (isDoubt(each) && isDoubt(standing[index]));
  return { ...world, acknowledged: world.acknowledged.map((each, index) => (holds(each, index) ? each : null)) };
}

export const isDue = ({ deed }: Move): boolean => DEEDS[deed.does].due;
