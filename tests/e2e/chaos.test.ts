/**
 * The short form of `npm run chaos` (docs/proof.md): a real SIGKILL while payouts of every PSP behaviour are at the
 * places where a double payment would begin; afterwards all who were there tell the same story.
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { settingsAt } from '../../chaos/boundaries.ts';
import { type Crowd, watchCrowd } from '../../chaos/crowd.ts';
import type { Webhook } from '../../chaos/merchantServer.ts';
import { judge } from '../../chaos/oracle.ts';
import type { PayoutOrder } from '../../chaos/payouts/orders.ts';
import { seeded } from '../../chaos/random.ts';
import { playRound } from '../../chaos/round.ts';
import type { Behaviour, Boundary, Scenario } from '../../chaos/scenario.ts';
import { SCENARIOS } from '../../chaos/scenarios/index.ts';
import { merchantPayout } from '../../chaos/scenarios/merchantPayout.ts';
import { providerPayout } from '../../chaos/scenarios/providerPayout.ts';
import type { Victim } from '../../chaos/victims.ts';
import { openWorld, type World } from '../../chaos/world.ts';
import type { Installation } from '../../harness/installation.ts';
import { eventually } from '../support/payouts.ts';

const SEED = 1;

let world: World;
beforeAll(async () => {
  world = await openWorld(settingsAt(SCENARIOS));
});
afterAll(() => world?.close(false), 60_000);

const named = ({ behaviours }: Scenario, ...names: readonly string[]): readonly Behaviour[] =>
  names.flatMap((name) => behaviours.filter((behaviour) => behaviour.name === name));

/** Of the merchants' payouts; the whole matrix has the others, whose waits are longer. */
const SHORT = named(
  merchantPayout,
  'ok',
  'failed',
  'retried',
  'error_after',
  'cut_after',
  'duplicate_callback',
  'forged_callback',
  'returned',
  'returned_then_paid',
  'reinitiated',
  'informational',
);

test.each<[Boundary, Victim]>([
  ['psp_call.after', 'worker'], // the money is gone, and nobody who knows it lives
  ['settle.before', 'all'],
  ['callback.stored', 'api'],
  ['relay.sent', 'worker'], // the merchant has heard it, and nobody knows that
])(
  'a kill at %s of %s: each payout is paid once or not at all, and books, events, answers and webhooks agree',
  async (boundary, victim) => {
    const plan = { scenario: merchantPayout, boundary, victim, seed: SEED, copies: 1, behaviours: SHORT };
    const { findings, cells } = await playRound(world, plan);
    expect(findings).toEqual([]);
    expect(cells.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(5); // it was there, not elsewhere
  },
);

test('the worker is killed after two runs have come to the same payouts of providers, before it sends them: the same holds', async () => {
  const behaviours = named(
    providerPayout,
    'ok',
    'retried',
    'error_after',
    'forged_callback',
    'funds_short',
    'held_at_psp',
    'reviewed',
  );
  const plan = {
    scenario: providerPayout,
    boundary: 'dispatch.after',
    victim: 'worker',
    seed: SEED,
    copies: 1,
    behaviours,
  } as const;
  const { findings, cells } = await playRound(world, plan);
  expect(findings).toEqual([]);
  expect(cells.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(3);
});

/** A world that is as it should be, with a payout of each of these behaviours, ended. */
async function endedCrowd(scenario: Scenario, ...names: readonly string[]): Promise<Crowd> {
  const crowd = watchCrowd(world);
  const cast = world.castOf(scenario);
  const orders = named(scenario, ...names).map((each) => cast.draw(each, seeded(SEED)));
  await Promise.all(orders.map(async (prepare) => await crowd.post(cast, await prepare())));
  await crowd.drain();
  return crowd;
}

function madeOf({ made }: Crowd, name: string): { readonly id: string; readonly order: PayoutOrder } {
  const found = made.find(({ order }) => order.behaviour.name === name);
  if (!found) throw new Error(`nobody is ${name}`);
  return { id: found.id, order: found.order as PayoutOrder };
}
const idOf = (crowd: Crowd, name: string): string => madeOf(crowd, name).id;

/** What the oracle says, without the ids. */
const findingsOf = async (crowd: Crowd): Promise<string[]> =>
  (await judge(world, crowd.made, true)).map(({ what }) => what.replaceAll(/[a-z]+_[0-9a-f]{32}\w*/g, 'ID'));

test("the oracle is not blind to what only providers have: earnings, runs, mails, another PSP's book", async () => {
  const crowd = await endedCrowd(providerPayout, 'ok', 'cancelled');
  const findings = () => findingsOf(crowd);
  const { here, books } = world;
  const database = new pg.Client({ connectionString: here.credentials.databaseUrl });
  await database.connect();
  try {
    expect(await findings()).toEqual([]);

    const [{ id: notice = '' } = {}] = await books.notices([idOf(crowd, 'ok')]);
    const mail = join(here.home, 'mail', `${notice}.eml`);
    renameSync(mail, `${mail}.away`);
    expect(await findings()).toEqual(['there is no mail of notice ID']);
    renameSync(`${mail}.away`, mail);

    await database.query("SET session_replication_role = 'replica'"); // past the triggers that forbid it
    await database.query('UPDATE payout_runs SET finished_at = NULL WHERE id = (SELECT max(id) FROM payout_runs)');
    expect(await findings()).toEqual(['run ID never finished']);
    await database.query('UPDATE payout_runs SET finished_at = now() WHERE finished_at IS NULL');

    const uses = (state: string) =>
      database.query('UPDATE earning_uses SET state = $2 WHERE payout_id = $1', [idOf(crowd, 'ok'), state]);
    await uses('reserved');
    expect(await findings()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^its earnings are/), expect.stringMatching(/is broken/)]),
    );
    await uses('paid_out');
    expect(await findings()).toEqual([]);

    // A second payment, which nobody of ours has asked for.
    const { accountNumber, amount } = madeOf(crowd, 'ok').order;
    await books.psps.flutterwave.fault('no_callback', {}, { accountNumber });
    await payAt(here, { reference: `${idOf(crowd, 'ok')}:2`, account_number: accountNumber, amount });
    await eventually(async () =>
      expect((await findings()).sort()).toEqual([
        'ID:2 was taken while ID:1 was live',
        'SUCCEEDED, and the PSP has paid it 2 times',
        'the PSP knows ID:1 ID:2, not ID:1',
      ]),
    );
  } finally {
    await crowd.close();
    await database.end();
  }
});

async function payAt(here: Installation, transfer: object): Promise<void> {
  const { flutterwaveSecretKey } = JSON.parse(readFileSync(join(here.home, 'secrets.json'), 'utf8')) as {
    flutterwaveSecretKey: string;
  };
  const answer = await fetch(`${here.credentials.flutterwaveUrl}/v3/transfers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${flutterwaveSecretKey}` },
    body: JSON.stringify({ account_bank: '044', currency: 'NGN', ...transfer }),
  });
  expect(answer.status).toBe(200);
}

// The last one: its stray workflow stays in the list.
test('the oracle is not blind: whatever is tampered with afterwards, it says so', async () => {
  const crowd = await endedCrowd(merchantPayout, 'ok', 'failed');
  const [paid, failed] = [idOf(crowd, 'ok'), idOf(crowd, 'failed')];
  const { accountNumber } = madeOf(crowd, 'failed').order;
  const { sandbox } = world.books.psps;
  const findings = () => findingsOf(crowd);
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
    const first = received.findIndex(({ payoutId }) => payoutId === paid);
    const told = received.splice(first, 1);
    received.push(...told);
    expect(await findings()).toEqual([expect.stringMatching(/^its webhooks came in the order 2 .*1$/)]);
    received.splice(-1, 1);
    received.splice(first, 0, ...told);

    await sandbox.fault('no_callback', {}, { accountNumber });
    await sandbox.bank(`${failed}:1`, 'pay');
    expect(await findings()).toEqual(['FAILED, and the PSP has paid it 1 times', 'FAILED, and ID:1 is paid, and nobody is told']);
    const tell = (is: boolean) => database.query('UPDATE payouts SET needs_operator = $2 WHERE id = $1', [failed, is]);
    await tell(true);
    expect(await findings()).toEqual(['FAILED, and the PSP has paid it 1 times']);
    await tell(false);
    await sandbox.fault('no_callback', {}, { accountNumber });
    await sandbox.bank(`${failed}:1`, 'fail');
    expect(await findings()).toEqual([]);

    await database.query("SET session_replication_role = 'replica'"); // past the triggers that forbid it
    const change = (sql: string) => database.query(`UPDATE ${sql} WHERE subject_id = $1`, [paid]);
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
});
