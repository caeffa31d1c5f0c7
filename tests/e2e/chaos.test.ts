/**
 * The short form of `npm run chaos` (docs/proof.md): a real SIGKILL while payouts of every PSP behaviour are at the
 * places where a double payment would begin; afterwards all who were there tell the same story.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Boundary, settingsAt, type Victim } from '../../chaos/boundaries.ts';
import { playRound } from '../../chaos/round.ts';
import { openWorld, type World } from '../../chaos/world.ts';

const SEED = 1;

let world: World;
beforeAll(async () => {
  world = await openWorld(settingsAt('psp_call.after'));
}, 180_000);
afterAll(() => world?.close(false), 60_000);

test.each<[Boundary, Victim]>([
  ['psp_call.after', 'worker'], // the money is gone, and nobody who knows it lives
  ['settle.before', 'all'],
  ['callback.stored', 'api'],
])(
  'a kill at %s of %s: each payout is paid once or not at all, and books, events, answers and webhooks agree',
  async (boundary, victim) => {
    const { findings, cells } = await playRound(world, { boundary, victim, seed: SEED, copies: 1 });
    expect(findings).toEqual([]);
    expect(cells.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(5); // it was there, not elsewhere
  },
  240_000,
);
