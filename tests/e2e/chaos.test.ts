/**
 * The short form of `npm run chaos` (docs/proof.md): a real SIGKILL while payouts of every PSP behaviour are at the
 * places where a double payment would begin; afterwards all who were there tell the same story.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { BEHAVIOURS } from '../../chaos/behaviours.ts';
import { type Boundary, settingsAt, type Victim } from '../../chaos/boundaries.ts';
import { type Crowd, watchCrowd } from '../../chaos/crowd.ts';
import type { Webhook } from '../../chaos/merchantServer.ts';
import { judge } from '../../chaos/oracle.ts';
import { orderFor } from '../../chaos/orders.ts';
import { seeded } from '../../chaos/random.ts';
import { playRound } from '../../chaos/round.ts';
import { openWorld, type World } from '../../chaos/world.ts';
import { eventually } from '../support/payouts.ts';

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

/** A world that is as it should be, with one payout that was paid and one that failed. */
async function paidAndFailed(): Promise<{ crowd: Crowd; paid: string; failed: string }> {
  const crowd = watchCrowd(world);
  const orders = ['ok', 'failed'].flatMap((name) => BEHAVIOURS.filter((behaviour) => behaviour.name === name));
  for (const behaviour of orders) await crowd.post(orderFor(behaviour, seeded(SEED), world.server.url));
  await crowd.drain(60_000);
  const [paid = '', failed = ''] = crowd.made.map(({ id }) => id);
  return { crowd, paid, failed };
}

test('the oracle is not blind: whatever is tampered with afterwards, it says so', async () => {
  const { crowd, paid, failed } = await paidAndFailed();
  const findings = async () =>
    (await judge(world, crowd.made, true)).map(({ what }) => what.replaceAll(/[a-z]+_[0-9a-f]{32}\w*/g, 'ID'));
  const database = new pg.Client({ connectionString: world.here.credentials.databaseUrl });
  const connection = await Connection.connect({ address: world.here.credentials.temporalAddress });
  await database.connect();
  try {
    expect(await findings()).toEqual([]);

    const received = world.server.received as Webhook[];
    const last = received.findLastIndex(({ payoutId }) => payoutId === paid);
    const [missed] = received.splice(last, 1);
    expect(await findings()).toEqual(['webhook ID never came']);
    received.push({ id: 'evt_never', payoutId: paid, sequence: 9, body: '' });
    expect(await findings()).toContain('webhook evt_never tells of no event');
    received.splice(-1, 1, ...(missed ? [missed] : []));

    await world.books.fault('no_callback', {}, String(crowd.made[1]?.order.accountNumber));
    await world.books.bank(`${failed}:1`, 'paid');
    expect(await findings()).toEqual(['FAILED, and the PSP has paid it 1 times']);
    await world.books.fault('no_callback', {}, String(crowd.made[1]?.order.accountNumber));
    await world.books.bank(`${failed}:1`, 'failed');

    await database.query("SET session_replication_role = 'replica'"); // past the triggers that forbid it
    const change = (sql: string) => database.query(`UPDATE ${sql} WHERE payout_id = $1`, [paid]);
    await change('ledger_entries SET amount = amount + 1');
    expect(await findings()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^SETTLE of/), expect.stringMatching(/is broken/)]),
    );
    await change('ledger_entries SET amount = amount - 1');
    await change('events SET sequence = sequence + 100');
    expect(await findings()).toContainEqual(expect.stringMatching(/^its events are numbered 101/));
    await change('events SET sequence = sequence - 100');
    expect(await findings()).toEqual([]);

    const start = { workflowId: 'stray', taskQueue: 'nobody', args: [{ payoutId: paid }] };
    const stray = await new Client({ connection }).workflow.start('payoutFollowUp', start);
    await eventually(async () => expect(await findings()).toEqual(['workflow stray is still open']));
    await stray.terminate();
    await eventually(async () => expect(await findings()).toEqual(['workflow stray ended badly']));
  } finally {
    await crowd.close();
    await connection.close();
    await database.end();
  }
}, 120_000);
