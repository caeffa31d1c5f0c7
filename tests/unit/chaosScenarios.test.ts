/** What `npm run chaos` plays, as data: that nothing is left out, and that nobody is expected where he never comes. */
import { describe, expect, test } from '@jest/globals';
import { behavioursAt, boundariesOf, comesTo, settingsAt } from '../../chaos/boundaries.ts';
import { leftOut } from '../../chaos/leftOut.ts';
import { drawPayout } from '../../chaos/payouts/orders.ts';
import { seeded } from '../../chaos/random.ts';
import type { Boundary } from '../../chaos/scenario.ts';
import { games } from '../../chaos/scenarios/games.ts';
import { SCENARIOS } from '../../chaos/scenarios/index.ts';
import { market } from '../../chaos/scenarios/market.ts';
import { merchantPayout } from '../../chaos/scenarios/merchantPayout.ts';
import { providerPayout } from '../../chaos/scenarios/providerPayout.ts';
import { HOUSEKEEPING, WORKFLOW_TYPES } from '../../chaos/workflows.ts';
import { FAILPOINTS } from '../../src/failpoints.ts';

describe('nothing that may be killed, or may be left open, is left out of the proof', () => {
  test('each failpoint and each workflow of the bundle is in a scenario', () => {
    expect(leftOut(SCENARIOS)).toEqual([]);
  });

  test('a failpoint to which no scenario comes is named, so that the run is refused', () => {
    expect(leftOut(SCENARIOS, [...FAILPOINTS, 'game.before'])).toEqual(['no scenario comes to game.before']);
    expect(leftOut([merchantPayout])).toContain('no scenario comes to run_page.after');
  });

  test('a workflow of the bundle that no scenario expects is named', () => {
    expect(leftOut(SCENARIOS, FAILPOINTS, [...WORKFLOW_TYPES, 'strangerFlow'])).toEqual([
      'no scenario expects a workflow strangerFlow',
    ]);
    expect(leftOut([merchantPayout])).toContain('no scenario expects a workflow payoutRun');
  });

  test('of the housekeeping, which may be open whenever one looks, nothing pays', () => {
    expect(HOUSEKEEPING.filter((type) => SCENARIOS.some(({ workflows }) => workflows.some((each) => each === type)))).toEqual([]);
    expect(WORKFLOW_TYPES).toEqual(expect.arrayContaining([...HOUSEKEEPING]));
  });
});

describe('where a payout is held', () => {
  const INSTANT = [
    'withdrawal.opened', 'slice.claiming', 'slice.claimed', 'slice.expiring', 'slice.expired', 'proof.kept', 'proof.recorded',
    'bank_credit.recorded', 'slice.judging', 'slice.judged', 'withdrawal.closed', 'rest.before', 'rest.after',
  ] as const; // biome-ignore format: a list
  const GAME = ['completion.recorded', 'void.recorded', 'game_step.after', 'game_end.before', 'game_end.after'] as const;
  const MARKET = [
    'market_plan.before', 'market_plan.after', 'market_chunk.before', 'market_chunk.after', 'market_verify.before', 'market_end.after',
    'market_undo.before', 'market_undo.after', 'market_undone.after',
  ] as const; // biome-ignore format: in the order of a resolution's life
  const LIFE = [
    'reserve.after', 'decide.before', 'decide.after', 'run_page.after', 'dispatch.before', 'dispatch.after', 'attempt.before',
    'psp_call.before', 'in_psp_call', 'psp_call.after', 'look_up.before', 'callback.stored', 'settle.before', 'settle.after',
    'relay.claimed', 'in_webhook', 'relay.sent', 'relay.recorded', 'notify.before', 'notify.after', 'release.before', 'release.after',
    'return.before',
  ] as const; // biome-ignore format: in the order of a payout's life

  test('the places come in the order of its life, whichever scenario brings them', () => {
    expect(boundariesOf([merchantPayout, providerPayout])).toEqual(LIFE);
    expect(boundariesOf([providerPayout, merchantPayout])).toEqual(LIFE);
    const [reserved, ...after] = LIFE;
    const decided = after.splice(0, 2);
    expect(boundariesOf(SCENARIOS)).toEqual([
      ...INSTANT,
      'market_frozen.after',
      ...GAME,
      reserved,
      ...decided,
      ...MARKET,
      ...after,
    ]);
    expect(boundariesOf([merchantPayout, providerPayout, games])).toEqual([...GAME, ...LIFE]);
  });

  test("a merchant's waits for nobody's decision and no run, and tells nobody by mail", () => {
    const missing = LIFE.filter((boundary) => !comesTo(merchantPayout, boundary));
    expect(missing.filter((boundary) => !/^(decide|run_page|dispatch|notify)\./.test(boundary))).toEqual([]);
    expect(missing).toHaveLength(7);
    expect(behavioursAt(merchantPayout, 'notify.before')).toEqual([]);
  });

  const namesAt = (boundary: Boundary): readonly string[] => behavioursAt(providerPayout, boundary).map(({ name }) => name);

  test('a game is held where its result or its void is written down and nobody was told, and between and after its steps', () => {
    expect(boundariesOf([games])).toEqual([...GAME, 'relay.claimed', 'in_webhook', 'relay.sent', 'relay.recorded']);
    expect(behavioursAt(games, 'void.recorded').map(({ name }) => name)).toContain('voided_between');
    expect(behavioursAt(games, 'void.recorded').map(({ name }) => name)).not.toContain('settled');
  });

  test('a market is held where it is frozen, planned and verified, and before and after each step in both directions', () => {
    const decided = ['decide.before', 'decide.after'];
    expect(boundariesOf([market])).toEqual(expect.arrayContaining(['market_frozen.after', ...decided, ...MARKET]));
  });

  test('at a decision only those on which somebody decides are awaited', () => {
    expect(namesAt('decide.after')).toEqual(['reviewed', 'rejected', 'held_over_a_run', 'cancelled']);
  });

  test('those whose waits are long are played where a death makes a difference to them, and nowhere else', () => {
    expect(namesAt('psp_call.after')).toContain('resolved_paid');
    expect(namesAt('reserve.after')).not.toContain('resolved_paid');
    expect(namesAt('in_webhook')).not.toContain('resolved_paid');
  });

  test.each(SCENARIOS)(
    '$name: every end is one that its customer can read, and every behaviour has a name of its own',
    (each) => {
      const { behaviours, ends } = each;
      const meant = behaviours.flatMap(({ ends, steps, undoes = [] }) => [
        ends,
        ...steps.flatMap(({ refused }) => refused ?? []),
        ...undoes.flat(),
      ]);
      expect(meant.filter((end) => end !== undefined && !Object.hasOwn(ends, end))).toEqual([]);
      expect(new Set(behaviours.map(({ name }) => name)).size).toBe(behaviours.length);
    },
  );

  test("in the PSP's call our patience outlasts the hold, or the timeout would be what is tested", () => {
    const seconds = (text = '') => Number.parseInt(text, 10);
    const { PSP_TIMEOUT, PSP_NOT_FOUND_GRACE } = settingsAt(SCENARIOS, 'in_psp_call');
    expect(seconds(PSP_TIMEOUT) * 1_000).toBeGreaterThan(merchantPayout.boundaries.in_psp_call?.holdMs ?? 0);
    expect(seconds(PSP_NOT_FOUND_GRACE)).toBeGreaterThanOrEqual(seconds(PSP_TIMEOUT) + 5); // or it does not start
    expect(settingsAt(SCENARIOS)).toMatchObject({ PSP_TIMEOUT: '2s', BATCH_WORKER_CONCURRENCY: '4', DATABASE_POOL: '60' });
  });
});

test('a seed asks for the same amounts again', () => {
  const amounts = (seed: number) => {
    const random = seeded(seed);
    return merchantPayout.behaviours.map((each) => drawPayout(each, random, 11).amount);
  };
  expect(amounts(7)).toEqual(amounts(7));
  expect(amounts(7)).not.toEqual(amounts(8));
});
