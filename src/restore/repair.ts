/** Puts right what a comparison found, and gives every open payout a workflow that goes on from the books. */
import type { Pool } from 'pg';
import type { Ledger } from '../ledger/ledger.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import { claimOf, type Fact, type PayoutRecord, type PayoutTimes } from '../payouts/rules/contract.ts';
import { OPEN_STATES, STATES } from '../payouts/rules/machine.ts';
import { stepKey } from '../payouts/rules/steps.ts';
import type { WebhooksClient } from '../webhooks/client.ts';
import type { Finding } from './findings.ts';
import type { Run, RunsClient } from './runs.ts';
import { takeIn } from './takeIn.ts';

export interface RepairPorts {
  readonly times: PayoutTimes;
  readonly pool: Pool;
  readonly ledger: Ledger;
  readonly runs: RunsClient;
  readonly payouts: PayoutsClient;
  readonly webhooks: WebhooksClient;
}

/** Why something is left as it is; undefined: it is done. */
type Left = string | undefined;

const REASON = 'the books were restored from a backup';

/** Done again it changes nothing more: every step is one of the ledger's, under its own key. */
export async function repair(ports: RepairPorts, finding: Finding): Promise<Left> {
  switch (finding.kind) {
    case 'forgotten':
      return (await takeIn(ports, finding.runs)) ?? (await holdAgain(ports, finding.payoutId, finding.runs.at(-1)));
    case 'forgotten_end':
      return (await takeIn(ports, finding.runs)) ?? (await close(ports, finding.payoutId));
    case 'forgotten_round':
      return (
        (await tell(ports, finding.payoutId, { type: 'reinitiated' })) ?? (await holdAgain(ports, finding.payoutId, finding.run))
      );
    case 'stopped':
      return await hold(ports, finding.payoutId, finding.told);
    case 'stopped_in_flight':
      return await askOperator(ports, finding.payoutId);
    default:
      return 'a person has to decide';
  }
}

async function hold(ports: RepairPorts, payoutId: string, told: string): Promise<Left> {
  return await tell(ports, payoutId, { type: 'held', reason: `${REASON}; before, it was ${told}` });
}

/** What somebody had held does not go on because it was forgotten. */
async function holdAgain(ports: RepairPorts, payoutId: string, run: Run | undefined): Promise<Left> {
  return run?.told === 'held' ? await hold(ports, payoutId, run.told) : undefined;
}

async function close(ports: RepairPorts, payoutId: string): Promise<Left> {
  return await tell(ports, payoutId, { type: 'cancelled', reason: `it had ended unpaid before ${REASON}` });
}

/** On the wire nothing can be held. But what is unresolved is only looked up, whereas what is unknown may be sent again. */
async function askOperator(ports: RepairPorts, payoutId: string): Promise<Left> {
  const payout = await ports.ledger.read(payoutId);
  if (!payout || payout.state === 'UNRESOLVED') return undefined;
  return await tell(ports, payoutId, {
    type: 'mismatch',
    attempt: payout.attempt,
    reason: `it had been closed before ${REASON}`,
  });
}

async function tell({ ledger }: RepairPorts, payoutId: string, fact: Fact): Promise<Left> {
  const payout = await ledger.read(payoutId);
  if (!payout) return 'the books do not know it';
  const round = fact.type === 'reinitiated' ? payout.round + 1 : payout.round;
  const key = stepKey(fact, { sequence: payout.sequence, round });
  const { outcome } = await ledger.applyFact(payoutId, key, fact, 'system');
  return outcome === 'applied' || outcome === 'already' ? undefined : `the books refuse it: ${outcome}`;
}

/** Nothing that is open is sent by itself any more: what is not sent yet is held, what may be on the wire only looked up. */
export async function holdAll(ports: RepairPorts): Promise<number> {
  let held = 0;
  for (const { id, state } of await openPayouts(ports.pool)) {
    if (state === 'ON_HOLD' || state === 'REVIEW_ON_HOLD') continue;
    const left = STATES[state].inFlight ? await askOperator(ports, id) : await tell(ports, id, { type: 'held', reason: REASON });
    if (left === undefined) held += 1;
  }
  return held;
}

async function openPayouts(pool: Pool): Promise<PayoutRecord[]> {
  const { rows } = await pool.query<{ payout: PayoutRecord }>(
    'SELECT payout_record(p) AS payout FROM payouts p WHERE p.state = ANY ($1) ORDER BY p.id',
    [OPEN_STATES],
  );
  return rows.map(({ payout }) => payout);
}

export interface TakenUp {
  readonly payouts: number;
  readonly webhooks: number;
  readonly messages: number;
}

/**
 * What runs has seen books that are gone, or has not seen those that are there. Each open payout gets a new run, which
 * goes on from the books: what may be on the wire is looked up, what is sent is sent under the key that it would have had.
 * @param spared runs of payouts that the books still do not know: they wait for them.
 */
export async function takeUpAll(ports: RepairPorts, spared: ReadonlySet<string>): Promise<TakenUp> {
  const { pool, runs, payouts, webhooks } = ports;
  for (const run of await runs.running()) if (!spared.has(run.payoutId)) await runs.end(run, REASON);
  const open = await openPayouts(pool);
  for (const payout of open) await payouts.resume(payout);
  // The webhooks of an open payout are its own run's; those of one that has ended had a run each.
  const pending = await pool.query<{ id: string; attempts: number }>(
    `SELECT d.id, d.attempts FROM webhook_deliveries d JOIN payouts p ON p.id = d.subject_id
      WHERE d.state = 'pending' AND p.state <> ALL ($1) ORDER BY d.id`,
    [OPEN_STATES],
  );
  for (const { id, attempts } of pending.rows) await webhooks.deliver(id, attempts);
  const received = await pool.query<{ id: string; payout_id: string; round: number; attempt: number; claim: string }>(
    `SELECT m.id, m.payout_id, p.round, m.attempt, m.claim FROM psp_messages m JOIN payouts p ON p.id = m.payout_id
      WHERE m.state = 'received' ORDER BY m.id`,
  );
  for (const { id, payout_id, round, attempt, claim } of received.rows) {
    await payouts.notice(payout_id, round, { messageId: id, attempt, claim: claimOf(claim) });
  }
  return { payouts: open.length, webhooks: pending.rows.length, messages: received.rows.length };
}
