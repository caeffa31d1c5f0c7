/**
 * The engine without its door: a real PostgreSQL, a real Temporal server, a sandbox PSP over HTTP and a worker, for
 * tests of workflows. Waits are short, so that a test sees a retry in a second.
 */

import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { createGameSettlementActivities } from '../../activities/games/settlement.ts';
import { createInstantActivities } from '../../activities/instant/look.ts';
import { createDecisionActivities, type DecisionActivities } from '../../activities/markets/decisions.ts';
import { createResolutionActivities } from '../../activities/markets/resolution.ts';
import { createLedgerActivities, type LedgerActivities } from '../../activities/payouts/ledger.ts';
import { createPspActivities, type PspActivities } from '../../activities/payouts/psp.ts';
import { createPayoutRunActivities } from '../../activities/providers/payoutRuns.ts';
import { createInstantClient } from '../../src/instant/client.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { type HandOver, handOver } from '../../src/instant/useCases/handOver.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { fundBalance, postEarning } from '../../src/ledger/postings.ts';
import { temporalCli, temporalTestServer } from '../../src/local/temporalBinary.ts';
import { createPayoutsClient, type PayoutsClient, type SteeredAnswer } from '../../src/payouts/client.ts';
import { readAsOf } from '../../src/payouts/reads.ts';
import type { Command, PayoutRecord, PayoutRequest, PayoutTimes } from '../../src/payouts/rules/contract.ts';
import type { PayoutRunInput, PayoutRunResult } from '../../src/providers/rules/payoutRun.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { startSandbox } from '../../src/psp/sandbox/server.ts';
import type { Simulator } from '../../src/psp/simulator/server.ts';
import { BUILT_IN_POLICY } from '../../src/risk/rules/policy.ts';
import { payoutRunWorkflowId } from '../../src/rules/ids.ts';
import { newId } from '../../src/rules/newId.ts';
import { clientSettings } from '../../src/temporal/clientSettings.ts';
import {
  DECISIONS_QUEUE,
  GAMES_QUEUE,
  INSTANT_QUEUE,
  MARKETS_QUEUE,
  PAYOUT_RUNS_QUEUE,
  PAYOUTS_QUEUE,
  PROVIDER_PSP_QUEUE,
} from '../../src/temporal/rules/queues.ts';
import { SEARCH_ATTRIBUTES } from '../../src/temporal/rules/searchAttributes.ts';
import { buildOf, workerSettings } from '../../src/temporal/workerSettings.ts';
import { emptyDatabase, type TestDatabase, testDatabase } from './database.ts';
import { ENCRYPTION_KEYS, keys } from './encryption.ts';
import { bundledWorkflows } from './workflowBundle.ts';

export const SHORT_TIMES: PayoutTimes = {
  reviewWindowMs: 60_000,
  retryWaitMs: 200,
  retryWaitMaxMs: 500,
  firstLookUpMs: 200,
  lookUpMaxMs: 1_000,
  notFoundGraceMs: 1_500,
  outcomeDeadlineMs: 6_000,
};

export interface Engine {
  readonly db: TestDatabase;
  readonly ledger: Ledger;
  readonly payouts: PayoutsClient;
  readonly instant: InstantClient;
  readonly client: Client;
  readonly env: TestWorkflowEnvironment;
  readonly sandbox: Simulator;
  /** A payout of `merchantId` (funded with 10,000.00 PKR) to an account that ends in `suffix`; `via` may have other times. */
  pay(suffix: string, change?: Partial<PayoutRequest>, via?: PayoutsClient): Promise<PayoutRecord>;
  /** A provider of `merchantId`, or of another, that has earned so much PKR. */
  provider(earnedMinor: string, ofMerchant?: string): Promise<ProviderOf>;
  /** A payout of a provider, 10.00 PKR, that waits for a run once nobody needs to look at it. */
  payProvider(provider: ProviderOf, suffix: string, change?: Partial<PayoutRequest>, via?: PayoutsClient): Promise<PayoutRecord>;
  /** From now on nobody needs to look at any provider's payout. */
  trustProviders(): Promise<void>;
  /** A payout run at once: what it says of itself when it has handed over what was approved. */
  run(runId?: string): Promise<PayoutRunResult>;
  /** By one who has just read the payout. `adm_1`, `adm_2` and `adm_maker` are approvers. */
  /** Its answer, with the payout as the books show it. */
  command(payoutId: string, command: Command, round?: number): Promise<SteeredAnswer & { readonly payout?: PayoutRecord }>;
  /** Waits until the payout is in one of these states; fails with its timeline if it takes longer than a machine may. */
  until(payoutId: string, ...states: string[]): Promise<PayoutRecord>;
  fault(fault: Record<string, unknown>): Promise<void>;
  /** What a bank would do to an attempt's transfer, the first unless told. */
  force(payoutId: string, status: 'paid' | 'failed' | 'returned', which?: { attempt?: number; reason?: string }): Promise<void>;
  /** The PSP's own book for a payout: the outside witness. */
  transfers(payoutId: string): Promise<{ reference: string; status: string; takenAt: string | null; requests: number }[]>;
  readonly merchantId: string;
  /** What a worker of payouts does, for one that does some of it differently. */
  readonly activities: LedgerActivities & PspActivities & DecisionActivities;
  /** @returns what ends it. */
  startWorker(options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** What sends provider payouts, with these limits. @returns what ends it. */
  startProviderPsp(options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** What settles games. @returns what ends it. */
  startGames(options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** What resolves markets. @returns what ends it. */
  startMarkets(options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** What looks after withdrawals, slices and payins; `around` what hands a rest over. @returns what ends it. */
  startInstant(around?: (real: HandOver) => HandOver): Promise<() => Promise<void>>;
  /** What payout runs need, so many payouts a step. @returns what ends it. */
  startRuns(page?: number): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export interface ProviderOf {
  readonly merchantId: string;
  readonly providerId: string;
}

export interface EngineOptions {
  readonly times?: PayoutTimes;
  /** Temporal's test server, whose clock jumps ahead while everything waits. */
  readonly timeSkipping?: boolean;
  /** Of the real server: `key=value` each. */
  readonly dynamicConfig?: readonly string[];
}

export async function startEngine({
  times = SHORT_TIMES,
  timeSkipping = false,
  dynamicConfig = [],
}: EngineOptions = {}): Promise<Engine> {
  const db = await testDatabase({ connections: 20 });
  const book = await emptyDatabase();
  const env = timeSkipping ? await startTimeSkipping() : await startServer(dynamicConfig);
  const client = new Client({ connection: env.connection, ...clientSettings(ENCRYPTION_KEYS) });
  const sandbox = await startSandbox({
    databaseUrl: book.url,
    port: 0,
    apiKey: 'sandbox-key',
    callbackUrl: 'http://127.0.0.1:9/', // nobody there: these tests hand notices over themselves
    webhookSecret: 'sandbox-secret',
  });
  const psps = createPspRegistry({
    sandbox: { baseUrl: sandbox.url, apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret', timeoutMs: 1_000 },
  });
  const ledger = createLedger(db.pool);
  const payouts = createPayoutsClient(client, { times, allowSignalDecisions: true });
  const instant = createInstantClient(client);
  const workflowBundle = await bundledWorkflows();
  const psp = createPspActivities({ ledger, pool: db.pool, connector: psps.byName });
  const activities = {
    ...createLedgerActivities({ ledger, pool: db.pool }),
    ...createDecisionActivities({ pool: db.pool }),
    ...psp,
  };
  const merchantId = newId('mer');
  await db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Test', 'unused')`, [merchantId]);
  await db.owner.query(
    `INSERT INTO admins (id, name, role) SELECT id, id, 'approver' FROM unnest(ARRAY['adm_1', 'adm_2', 'adm_maker']) AS id`,
  );
  await fundBalance(db.pool, { merchantId, mode: 'test', currency: 'PKR', amountMinor: '1000000', externalId: 'start' });
  let references = 0;

  async function control(path: string, body: unknown): Promise<void> {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${sandbox.url}${path}`, request);
    if (!answer.ok) throw new Error(`the sandbox refused: ${await answer.text()}`);
  }

  async function work(options: Pick<WorkerOptions, 'taskQueue'> & Partial<WorkerOptions>): Promise<() => Promise<void>> {
    const worker = await Worker.create({
      connection: env.nativeConnection,
      ...workerSettings(ENCRYPTION_KEYS),
      shutdownGraceTime: '100ms',
      ...options,
    });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  }

  async function take(request: PayoutRequest, via: PayoutsClient): Promise<PayoutRecord> {
    const ask = () => via.accept({ ...request, kind: request.kind ?? 'merchant' }, { type: 'new', request });
    let answer = await ask();
    for (let left = 10; answer.kind === 'pending' && left > 0; left -= 1) answer = await ask(); // as its merchant would, where a machine is slow
    if (answer.kind !== 'answered' || answer.accepted.outcome !== 'accepted') throw new Error(JSON.stringify(answer));
    const payout = await readAsOf(db.pool, request.payoutId, answer.accepted.sequence);
    if (!payout) throw new Error(`the books do not have what was answered of ${request.payoutId}`);
    return payout;
  }

  function requestTo(suffix: string, change: Partial<PayoutRequest>): PayoutRequest {
    references += 1;
    return {
      payoutId: newId('po'),
      merchantId,
      mode: 'test',
      currency: 'PKR',
      amountMinor: '10000',
      reference: `ref-${references}`,
      description: null,
      metadata: {},
      callbackUrl: null,
      destination: {
        type: 'bank',
        bankCode: 'HBL',
        accountNumber: `1234567890${suffix}`,
        iban: null,
        accountTitle: 'Ayesha Khan',
      },
      psp: 'sandbox',
      makerId: null,
      terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: null },
      ...change,
    };
  }

  return {
    db,
    ledger,
    payouts,
    instant,
    client,
    env,
    sandbox,
    merchantId,
    activities,
    async startWorker(options = {}) {
      const decisions = { taskQueue: DECISIONS_QUEUE, activities: options.activities ?? activities };
      const stops = [
        await work({ taskQueue: PAYOUTS_QUEUE, ...buildOf(workflowBundle), activities, ...options }),
        await work(decisions),
      ];
      return async () => {
        await Promise.all(stops.map((stop) => stop()));
      };
    },
    startProviderPsp: (options = {}) => work({ taskQueue: PROVIDER_PSP_QUEUE, activities: psp, ...options }),
    startGames: (options = {}) =>
      work({ taskQueue: GAMES_QUEUE, activities: createGameSettlementActivities({ pool: db.pool, step: 500 }), ...options }),
    startMarkets: (options = {}) =>
      work({ taskQueue: MARKETS_QUEUE, activities: createResolutionActivities({ pool: db.pool }), ...options }),
    startInstant(around = (real) => real) {
      const ports = { pool: db.pool, ledger, payouts, psps, keys };
      const hand = around((rest) => handOver(ports, rest));
      return work({ taskQueue: INSTANT_QUEUE, activities: createInstantActivities({ pool: db.pool, instant, handOver: hand }) });
    },
    startRuns: (page) =>
      work({
        taskQueue: PAYOUT_RUNS_QUEUE,
        activities: createPayoutRunActivities({ pool: db.pool, payouts, ...(page === undefined ? {} : { page }) }),
      }),
    pay: (suffix, change = {}, via = payouts) => take(requestTo(suffix, change), via),
    async provider(earnedMinor, ofMerchant = merchantId) {
      const provider = { merchantId: ofMerchant, providerId: newId('prv') };
      await db.owner.query(
        `INSERT INTO providers (id, merchant_id, mode, external_id, name, email, verified) VALUES ($1, $2, 'test', $1, 'Ada', 'ada@p.example', true)`,
        [provider.providerId, ofMerchant],
      );
      const earningId = newId('ern');
      const earning = { earningId, externalId: earningId, currency: 'PKR', amountMinor: earnedMinor, description: null };
      const { outcome } = await postEarning(db.pool, { ...provider, mode: 'test', ...earning });
      if (outcome !== 'posted') throw new Error(`not posted: ${outcome}`);
      return provider;
    },
    async payProvider({ merchantId: ofMerchant, providerId }, suffix, change = {}, via = payouts) {
      const own = { merchantId: ofMerchant, kind: 'provider', owner: { kind: 'provider', id: providerId } } as const;
      const request = requestTo(suffix, { ...own, amountMinor: '1000', dispatch: 'run', maxAttempts: 4, ...change });
      return await take({ ...request, reference: request.payoutId }, via);
    },
    async trustProviders() {
      const rules = { ...BUILT_IN_POLICY.rules, minSuccesses: 0, velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000 };
      const sql = `INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ('', 2, $1, 'adm_1') ON CONFLICT DO NOTHING`;
      await db.owner.query(sql, [rules]);
    },
    run: (runId = newId('run')) =>
      client.workflow.execute<(input: PayoutRunInput) => Promise<PayoutRunResult>>('payoutRun', {
        workflowId: payoutRunWorkflowId(runId),
        taskQueue: PAYOUTS_QUEUE,
        args: [{ trigger: 'admin', runId }],
      }),
    async command(payoutId, command, round = 1) {
      const { sequence } = (await ledger.read(payoutId)) ?? { sequence: 0 };
      const answer = await payouts.command({ id: payoutId, round, sequence }, command, randomUUID());
      const payout = answer.outcome === 'done' ? await readAsOf(db.pool, payoutId, answer.sequence) : undefined;
      return payout ? { ...answer, payout } : answer;
    },
    async until(payoutId, ...states) {
      for (let left = 1_200; left > 0; left -= 1) {
        const payout = await ledger.read(payoutId);
        if (payout && states.includes(payout.state)) return payout;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const { rows } = await db.owner.query(
        'SELECT sequence, type, from_state, to_state, data FROM events WHERE subject_id = $1',
        [payoutId],
      );
      throw new Error(`never ${states.join(' or ')}: ${JSON.stringify(rows, null, 1)}`);
    },
    fault: (fault) => control('/control/faults', fault),
    force: (payoutId, status, { attempt = 1, reason } = {}) =>
      control(`/control/transfers/${payoutId}:${attempt}`, { status, ...(reason === undefined ? {} : { reason }) }),
    async transfers(payoutId) {
      const answer = await fetch(`${sandbox.url}/control/transfers?reference=${payoutId}`);
      return ((await answer.json()) as { data: never[] }).data;
    },
    async stop() {
      await sandbox.close();
      await psps.close();
      await env.teardown();
      await book.stop();
      await db.stop();
    },
  };
}

async function startServer(dynamicConfig: readonly string[]): Promise<TestWorkflowEnvironment> {
  return await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: process.env['TEMPORAL_CLI'] ?? (await temporalCli()) },
      searchAttributes: SEARCH_ATTRIBUTES,
      extraArgs: ['matching.enableFairness=true', ...dynamicConfig].flatMap((each) => ['--dynamic-config-value', each]),
    },
  });
}

async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = process.env['TEMPORAL_TEST_SERVER'] ?? (await temporalTestServer());
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  // Without these, an upsert loops its workflow task for ever and stops the clock from skipping for every later test.
  const types = { KEYWORD: 2, INT: 3, BOOL: 5 } as const;
  const searchAttributes = Object.fromEntries(
    SEARCH_ATTRIBUTES.map(({ name, type }) => [name, types[type as keyof typeof types]]),
  );
  await env.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
  return env;
}
