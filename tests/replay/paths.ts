/**
 * Every path that a workflow can take, each walked on a real engine: what `npm run histories` records. A path ends when
 * its workflow has; its name is the file's.
 */

import { WorkflowContinuedAsNewError, type WorkflowHandle } from '@temporalio/client';
import { createGamesClient } from '../../src/games/client.ts';
import { settlementWorkflowId } from '../../src/games/rules/game.ts';
import { batchWorkflowId, instantPayoutWorkflowId, payinWorkflowId } from '../../src/instant/rules/contract.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { Command, PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { PAYOUTS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { relay } from '../../workflows/relay/relay.ts';
import { openBooks } from '../support/books.ts';
import { type Engine, SHORT_TIMES } from '../support/engine.ts';
import { type Games, gamesOf, type TestGame } from '../support/games.ts';
import { type Instant, instantOf, type Withdrawal } from '../support/instant.ts';
import { beginPause, endPause } from '../support/pauses.ts';
import { MARKET_PATHS } from './marketPaths.ts';

export interface PathWorld {
  readonly engine: Engine;
  /** An admin who may approve. */
  readonly approver: string;
  /** The worker that sends this payout writes down what came of it, and is never heard of again. */
  dieWith(payoutId: string): void;
}

/** Walks the path. @returns the id of the workflow whose history is the path's, or one run of it. */
export type Path = (world: PathWorld) => Promise<string | WorkflowHandle>;

const REVIEWED = { terms: { feeBps: 150, feeFixedMinor: '500', reviewFromMinor: '1' } };

const bank = (accountNumber: string) => ({
  destination: { type: 'bank', bankCode: 'HBL', accountNumber, iban: null, accountTitle: 'Ayesha Khan' } as const,
});

const REVIEWED_WITHOUT_FEE = { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } };

/** Each path has an account of its own, so that a fault meets nobody else. */
let serial = 0;
const ownAccount = () => {
  serial += 1;
  return `9${String(serial).padStart(9, '0')}1111`;
};

async function payWithFault({ engine }: PathWorld, fault: { kind: string; times?: number }): Promise<string> {
  const account = ownAccount();
  await engine.fault({ ...fault, match: { accountNumber: account } });
  return (await engine.pay('', bank(account))).id;
}

const idOf = (payoutId: string, round = 1): string => `payout/${payoutId}${round === 1 ? '' : `/${round}`}`;

/** Pays to an account with this ending, and waits for the end. */
const plain =
  (suffix: string, state: string): Path =>
  async ({ engine }) => {
    const { id } = await engine.pay(suffix);
    await engine.until(id, state);
    return idOf(id);
  };

/** A payout in review, of which an admin (or the merchant) wants something, or several things one after the other. */
const reviewed =
  (state: string, ...commands: readonly (Command | ((engine: Engine) => Command))[]): Path =>
  async ({ engine }) => {
    const { id } = await engine.pay('0001', REVIEWED);
    for (const each of commands) {
      const command = typeof each === 'function' ? each(engine) : each;
      const answer = await engine.command(id, command);
      if (answer.outcome !== 'done') throw new Error(`${command.type}: ${answer.outcome}`);
    }
    await engine.until(id, state);
    return idOf(id);
  };

/** The PSP has the payout but has not decided; the bank does, and says so. */
const decidedByTheBank =
  (suffix: string, waiting: string, status: 'paid' | 'failed', end: string): Path =>
  async ({ engine }) => {
    const { id } = await engine.pay(suffix);
    await engine.until(id, waiting);
    await engine.force(id, status);
    await engine.payouts.notice(id, 1, { messageId: 'pm_1', attempt: 1, claim: status });
    await engine.until(id, end);
    return idOf(id);
  };

const APPROVED = { type: 'approved', adminId: 'adm_2', note: 'seen' } as const;

/** Two players of a game whose winner is known. */
async function decidedGame({ engine }: PathWorld): Promise<{ games: Games; game: TestGame }> {
  const games = gamesOf(await openBooks({ on: engine.db }));
  const house = await games.house(1000n);
  const game = await games.open(house);
  for (const side of ['andar', 'bahar']) await games.bet(game, await games.player(house, 100n), side, 100n);
  await games.complete(game, 'andar');
  return { games, game };
}

/** A withdrawal whose workflows have looked at it; its amount is nobody else's, so that no other path's payin takes it. */
async function withdrawal(
  { engine }: PathWorld,
  amount: bigint,
): Promise<{ instant: Instant; opened: Withdrawal; batch: string }> {
  const instant = instantOf(await openBooks({ on: engine.db }));
  const opened = await instant.open(await instant.user(amount), [amount]);
  await engine.instant.lookAtInstantPayout(opened.id);
  return { instant, opened, batch: opened.batches[0] ?? '' };
}

async function paidSlice(world: PathWorld, amount: bigint): Promise<{ opened: Withdrawal; batch: string }> {
  const { instant, opened, batch } = await withdrawal(world, amount);
  const payinId = await instant.claim(await instant.user(), batch);
  await world.engine.instant.lookAtBatch(batch);
  await instant.prove(batch, payinId);
  await world.engine.instant.lookAtBatch(batch);
  await instant.confirm(batch);
  await world.engine.instant.lookAtBatch(batch);
  return { opened, batch };
}

export const PATHS: Readonly<Record<string, Path>> = {
  ...MARKET_PATHS,
  'game-settled': async (world) => {
    const { game } = await decidedGame(world);
    await createGamesClient(world.engine.client).settle(game.gameId);
    return settlementWorkflowId(game.gameId);
  },
  'withdrawal-paid': async (world) => instantPayoutWorkflowId((await paidSlice(world, 101n)).opened.id),
  'slice-paid': async (world) => batchWorkflowId((await paidSlice(world, 102n)).batch),
  'slice-closed': async (world) => {
    const { instant, opened, batch } = await withdrawal(world, 103n);
    await instant.close(opened.id);
    await world.engine.instant.lookAtBatch(batch);
    return batchWorkflowId(batch);
  },
  'withdrawal-unfilled': async (world) => {
    const { opened } = await withdrawal(world, 104n);
    await world.engine.db.owner.query(`UPDATE instant_payouts SET policy = policy || '{"fillMs": 0}' WHERE id = $1`, [opened.id]);
    await world.engine.instant.lookAtInstantPayout(opened.id);
    return instantPayoutWorkflowId(opened.id);
  },
  'payin-matched-by-a-slice-that-came': async (world) => {
    const instant = instantOf(await openBooks({ on: world.engine.db }));
    const waiting = await instant.tryPayin(await instant.user(), 105n);
    const payinId = 'payin' in waiting ? waiting.payin.id : '';
    await world.engine.instant.lookAtPayin(payinId);
    await withdrawal(world, 105n);
    return payinWorkflowId(payinId);
  },
  'payin-expired': async (world) => {
    const instant = instantOf(await openBooks({ on: world.engine.db }));
    const waiting = await instant.tryPayin(await instant.user(), 106n);
    const payinId = 'payin' in waiting ? waiting.payin.id : '';
    await world.engine.instant.lookAtPayin(payinId);
    await world.engine.db.owner.query('UPDATE payins SET wait_until = now() WHERE id = $1', [payinId]);
    await world.engine.instant.lookAtPayin(payinId);
    return payinWorkflowId(payinId);
  },
  'game-voided': async (world) => {
    const { games, game } = await decidedGame(world);
    await games.void(game);
    await createGamesClient(world.engine.client).settle(game.gameId);
    return settlementWorkflowId(game.gameId);
  },
  paid: plain('0001', 'SUCCEEDED'),
  'paid-after-a-retry': plain('0002', 'SUCCEEDED'),
  failed: plain('0003', 'FAILED'),
  'refused-for-lack-of-funds': async ({ engine }) => {
    const refused = await engine.pay('0001', { amountMinor: '900000000' }).catch((error: Error) => error.message);
    if (!String(refused).includes('insufficient_balance')) throw new Error(`not refused: ${JSON.stringify(refused)}`);
    const { rows } = await engine.db.pool.query<{ payout_id: string }>('SELECT payout_id FROM payout_refusals');
    return idOf(rows[0]?.payout_id ?? '');
  },
  'approved-then-paid': reviewed('SUCCEEDED', APPROVED),
  'approved-by-signal': async ({ engine, approver }) => {
    const { id } = await engine.pay('0001', REVIEWED);
    const handle = engine.client.workflow.getHandle(idOf(id));
    await handle.signal('decide', { admin: 'adm_nobody', decision: 'approve' });
    await handle.signal('decide', { admin: approver, decision: 'approve', note: 'from the UI' });
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  rejected: reviewed('REJECTED', { type: 'rejected', adminId: 'adm_2', reason: 'unknown payee' }),
  'review-expired': async ({ engine }) => {
    const soon = { times: { ...SHORT_TIMES, reviewWindowMs: 300 }, allowSignalDecisions: true };
    const { id } = await engine.pay('0001', REVIEWED, createPayoutsClient(engine.client, soon));
    await engine.until(id, 'REJECTED');
    return idOf(id);
  },
  'held-released-approved': reviewed(
    'SUCCEEDED',
    { type: 'held', adminId: 'adm_1', reason: 'check the payee' },
    { type: 'hold_lifted', adminId: 'adm_1' },
    APPROVED,
  ),
  cancelled: reviewed('CANCELLED', ({ merchantId }) => ({ type: 'cancelled', by: merchantId })),
  'held-by-the-psp-then-paid': decidedByTheBank('0005', 'PSP_HELD', 'paid', 'SUCCEEDED'),
  'queued-by-the-psp-then-paid': decidedByTheBank('0004', 'PSP_QUEUED', 'paid', 'SUCCEEDED'),
  'queued-by-the-psp-then-failed': decidedByTheBank('0004', 'PSP_QUEUED', 'failed', 'FAILED'),
  'unknown-then-paid': async (world) => {
    const id = await payWithFault(world, { kind: 'cut_after', times: 1 });
    await world.engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'request-lost-then-sent-again': async (world) => {
    const id = await payWithFault(world, { kind: 'error_before', times: 1 });
    await world.engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'psp-busy-then-paid': async (world) => {
    const id = await payWithFault(world, { kind: 'rate_limit', times: 3 });
    await world.engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'paid-by-a-worker-that-died': async ({ engine, dieWith }) => {
    const { id } = await engine.pay('0001', REVIEWED);
    dieWith(id);
    await engine.command(id, APPROVED);
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'unresolved-then-not-paid': async (world) => {
    const id = await payWithFault(world, { kind: 'down' });
    await world.engine.until(id, 'UNRESOLVED');
    await world.engine.command(id, { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'asked the bank' });
    await world.engine.until(id, 'FAILED');
    return idOf(id);
  },
  'mismatch-then-resolved-as-paid': async (world) => {
    const id = await payWithFault(world, { kind: 'wrong_amount' });
    await world.engine.until(id, 'UNRESOLVED');
    await world.engine.command(id, { type: 'resolved_paid', adminId: 'adm_1', evidence: 'statement line 7' });
    await world.engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  returned: async (world) => {
    const { engine } = world;
    const { id } = await engine.pay('0001');
    await engine.until(id, 'SUCCEEDED');
    await engine.client.workflow.getHandle(idOf(id)).result();
    await engine.force(id, 'returned');
    await engine.payouts.notice(id, 1, { messageId: 'pm_2', attempt: 1, claim: 'returned' });
    await engine.until(id, 'RETURNED');
    return `payout-return/${id}`;
  },
  reinitiated: async ({ engine }) => {
    const first = await engine.pay('0003');
    await engine.until(first.id, 'FAILED');
    const facts = { ...first, payoutId: first.id };
    const opening = { type: 'reinitiate', payoutId: first.id, round: 2, by: first.merchantId, requestId: 'r1' } as const;
    await engine.payouts.accept(facts, opening);
    return idOf(first.id, 2);
  },
  resumed: async ({ engine }) => {
    const first = await engine.pay('0001', REVIEWED);
    await engine.client.workflow.getHandle(idOf(first.id)).terminate('as if it was lost');
    await engine.payouts.resume(first);
    await engine.command(first.id, APPROVED);
    await engine.until(first.id, 'SUCCEEDED');
    return idOf(first.id);
  },
  'paused-then-paid': async ({ engine }) => {
    const by = await beginPause(engine.db.pool, ['flow', 'payouts']);
    const { id } = await engine.pay('0001');
    const payout = await untilPaused(engine, id);
    await engine.payouts.letGo(payout); // too early
    await endPause(engine.db.pool, by);
    await engine.payouts.letGo(payout);
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'sent-now-then-paid': async ({ engine }) => {
    const times = { ...SHORT_TIMES, retryWaitMs: 3_600_000, retryWaitMaxMs: 3_600_000 };
    const { id } = await engine.pay('0002', {}, createPayoutsClient(engine.client, { times, allowSignalDecisions: true }));
    await engine.until(id, 'RETRY_WAIT');
    await engine.command(id, { type: 'hurried', adminId: 'adm_1', note: null });
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'looked-up-now-then-paid': async ({ engine }) => {
    const times = { ...SHORT_TIMES, firstLookUpMs: 3_600_000, lookUpMaxMs: 3_600_000, outcomeDeadlineMs: 7_200_000 };
    const { id } = await engine.pay('0004', {}, createPayoutsClient(engine.client, { times, allowSignalDecisions: true }));
    await engine.until(id, 'PSP_QUEUED');
    await engine.force(id, 'paid');
    await engine.command(id, { type: 'look_up_asked', adminId: 'adm_1', note: null });
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'given-up-then-not-paid': async ({ engine }) => {
    const { id } = await engine.pay('0004');
    await engine.until(id, 'PSP_QUEUED');
    await engine.command(id, { type: 'given_up', adminId: 'adm_1', note: null });
    await engine.command(id, { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'their statement' });
    await engine.until(id, 'FAILED');
    return idOf(id);
  },
  'routed-then-cancelled': reviewed(
    'CANCELLED',
    { type: 'routed', adminId: 'adm_1', psp: 'flutterwave', note: null },
    ({ merchantId }) => ({ type: 'cancelled', by: merchantId }),
  ),
  'provider-approved-then-paid-by-a-run': async ({ engine }) => {
    await engine.trustProviders();
    const { id } = await engine.payProvider(await engine.provider('1000'), '0001');
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'provider-reviewed-then-paid-by-a-run': async ({ engine }) => {
    const { id } = await engine.payProvider(await engine.provider('1000'), '0001', REVIEWED_WITHOUT_FEE);
    await engine.command(id, APPROVED);
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'provider-cancelled-before-the-run': async ({ engine }) => {
    await engine.trustProviders();
    const provider = await engine.provider('1000');
    const { id } = await engine.payProvider(provider, '0001');
    await engine.command(id, { type: 'cancelled', by: provider.providerId });
    return idOf(id);
  },
  'provider-held-before-the-run-then-paid-by-the-next': async ({ engine }) => {
    await engine.trustProviders();
    const { id } = await engine.payProvider(await engine.provider('1000'), '0001');
    await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'check the payee' });
    await engine.run();
    await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' });
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'provider-retried-then-failed': async ({ engine }) => {
    await engine.trustProviders();
    const { id } = await engine.payProvider(await engine.provider('1000'), '0004');
    await engine.run();
    for (const attempt of [1, 2, 3, 4]) {
      await untilAttempt(engine, id, attempt);
      await engine.until(id, 'PSP_QUEUED');
      await engine.force(id, 'failed', { attempt, reason: 'bank_unavailable' });
      await engine.payouts.notice(id, 1, { messageId: `pm_${attempt}`, attempt, claim: 'failed' });
    }
    await engine.until(id, 'FAILED');
    return idOf(id);
  },
  'provider-taken-up-by-a-run': async ({ engine }) => {
    await engine.trustProviders();
    const { id } = await engine.payProvider(await engine.provider('1000'), '0001');
    await engine.client.workflow.getHandle(idOf(id)).terminate('as if it was lost');
    await engine.run();
    await engine.until(id, 'SUCCEEDED');
    return idOf(id);
  },
  'provider-run': async ({ engine }) => {
    await engine.trustProviders();
    const provider = await engine.provider('2000');
    const payouts = [await engine.payProvider(provider, '0001'), await engine.payProvider(provider, '0001')];
    const { runId } = await engine.run();
    for (const { id } of payouts) await engine.until(id, 'SUCCEEDED');
    return `payout-run/${runId}`;
  },
  /** Its first run, which the next one followed. */
  'relay-goes-on': async ({ engine }) => {
    const { workflow } = engine.client;
    const { firstExecutionRunId } = await workflow.start(relay, { workflowId: 'relay', taskQueue: PAYOUTS_QUEUE });
    const first = workflow.getHandle('relay', firstExecutionRunId, { followRuns: false });
    await first.result().catch(unlessContinued);
    await workflow.getHandle('relay').terminate('it would go on for ever');
    return first;
  },
  'cut-back': ({ engine }) => maintenance(engine, 'cutBack'),
  'open-payouts-taken-up': ({ engine }) => maintenance(engine, 'takeUpOpenPayouts'),
  'paused-let-go': ({ engine }) => maintenance(engine, 'letGoPaused'),
  'games-looked-after': ({ engine }) => maintenance(engine, 'lookAfterGames'),
  'markets-looked-after': ({ engine }) => maintenance(engine, 'lookAfterMarkets'),
  'withdrawals-looked-after': ({ engine }) => maintenance(engine, 'lookAfterInstantPayouts'),
  'books-checked': ({ engine }) => maintenance(engine, 'checkBooks'),
};

async function untilAttempt({ ledger }: Engine, id: string, attempt: number): Promise<void> {
  while ((await ledger.read(id))?.attempt !== attempt) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function untilPaused({ ledger }: Engine, id: string): Promise<PayoutRecord> {
  for (;;) {
    const payout = await ledger.read(id);
    if (payout?.pausedBy) return payout;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function maintenance(engine: Engine, type: string): Promise<string> {
  await engine.client.workflow.start(type, { workflowId: type, taskQueue: 'payouts', args: [] });
  return type;
}

export function unlessContinued(error: unknown): void {
  if (!(error instanceof WorkflowContinuedAsNewError)) throw error;
}

/** Recordings of what workflows did before a change, kept while such payouts may be open: docs/changing-workflows.md. */
export const EARLIER: readonly string[] = [];
