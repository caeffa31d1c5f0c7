/** Puts right what a comparison found, and gives every open payout a workflow that goes on from the books. */
import type { Pool } from 'pg';
import type { Ledger } from '../ledger/ledger.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import { claimOf, type Fact, type FactOutcome, type PayoutRecord, type PayoutTimes } from '../payouts/rules/contract.ts';
import { OPEN_STATES, STATES } from '../payouts/rules/machine.ts';
import { stepKey } from '../payouts/rules/steps.ts';
import { FIRST_SWEPT_AFTER } from '../psp/messages.ts';
import { newId } from '../rules/newId.ts';
import { type Finding, MEANING } from './findings.ts';
import type { LineFinding } from './lines.ts';
import type { RunsClient } from './runs.ts';
import type { Caution } from './sending.ts';
import { takeIn } from './takeIn.ts';
import { attemptIn } from './witnesses.ts';

export interface RepairPorts {
  readonly times: PayoutTimes;
  readonly pool: Pool;
  readonly ledger: Ledger;
  readonly runs: RunsClient;
  readonly payouts: PayoutsClient;
}

/** Why something is left as it is; undefined: it is done. */
type Left = string | undefined;

const REASON = 'the books were restored from a backup';

/** Done again it changes nothing more: every step is one of the ledger's, under its own key. */
export async function repair(ports: RepairPorts, finding: Finding): Promise<Left> {
  const { payoutId } = finding;
  switch (finding.kind) {
    case 'forgotten':
      return (await takeIn(ports, finding.runs)) ?? (await heed(ports, payoutId, finding.caution));
    case 'forgotten_end':
      return (await takeIn(ports, finding.runs)) ?? (await close(ports, payoutId));
    case 'forgotten_round':
      return (await tell(ports, payoutId, { type: 'reinitiated' })) ?? (await heed(ports, payoutId, finding.caution));
    case 'astray':
    case 'stopped':
    case 'stopped_in_flight':
      return await heed(ports, payoutId, finding.caution);
    case 'stopped_and_failed':
      return (await heed(ports, payoutId, finding.caution)) ?? (await closeFailed(ports, payoutId, finding.caution));
    case 'paid_while_held':
      return undefined; // it waits already, and nothing is sent meanwhile
    default:
      return MEANING[finding.kind].repair !== null && finding.isBookable
        ? await handOn(ports, finding)
        : 'a person has to decide';
  }
}

/** From now on it is not sent by itself; whoever died in between must come again before a worker does. */
async function heed(ports: RepairPorts, payoutId: string, caution: Caution | undefined): Promise<Left> {
  if (!caution) return undefined;
  const left = await stop(ports, payoutId, caution);
  for (const attempt of caution.paid) {
    // One that the books have not started: they take it down for an operator.
    const fact = { type: 'paid', attempt, source: 'operator', reason: `the PSP's statement has it as paid; ${REASON}` } as const;
    const refused = await tellAs(ports, payoutId, fact, ['applied', 'already', 'ignored', 'unchanged']);
    if (refused !== undefined) return refused;
  }
  return left;
}

async function stop(ports: RepairPorts, payoutId: string, { because, why, isNextDead }: Caution): Promise<Left> {
  const payout = await ports.ledger.read(payoutId);
  if (!payout) return 'the books do not know it';
  const { state } = payout;
  if (STATES[state].inFlight) return because === 'held' ? undefined : await askOperator(ports, payoutId, why);
  if (isOnHold(payout)) return undefined;
  // It was started after the backup. As that it is looked up, and an operator resolves it either way; a hold could only be
  // released, and then sent, or rejected, though it may be paid.
  const isSending = state === 'QUEUED' || state === 'RETRY_WAIT';
  if (because === 'astray' && isSending && !isNextDead && (await start(ports, payout)))
    return await askOperator(ports, payoutId, why);
  return await tell(ports, payoutId, { type: 'held', reason: `${why}; ${REASON}` });
}

/** Written down as started, and not sent. @returns whether the books take it: not of one that still waits for a run. */
async function start(ports: RepairPorts, { id, attempt, attemptOpen }: PayoutRecord): Promise<boolean> {
  const fact: Fact = { type: 'attempt_started', attempt: attemptOpen ? attempt : attempt + 1 };
  return (await tell(ports, id, fact)) === undefined;
}

async function close(ports: RepairPorts, payoutId: string): Promise<Left> {
  return await tell(ports, payoutId, { type: 'cancelled', reason: `it had ended unpaid before ${REASON}` });
}

/**
 * Two witnesses: its merchant was told that it will not be paid, and the PSP has its request as failed. Were that left to a
 * look-up, the failure might set another attempt in motion. If an earlier attempt is in doubt, a person must resolve it.
 */
async function closeFailed(ports: RepairPorts, payoutId: string, { why }: Caution): Promise<Left> {
  const payout = await ports.ledger.read(payoutId);
  if (payout?.unproven.length !== 1 || payout.unproven[0] !== payout.attempt) return undefined;
  const evidence = `${why}, and the PSP's statement has it as failed; ${REASON}`;
  return await tell(ports, payoutId, { type: 'resolved_not_paid', evidence, attempts: payout.unproven });
}

/** On the wire nothing can be held. But what is unresolved is only looked up, whereas what is unknown may be sent again. */
async function askOperator(ports: RepairPorts, payoutId: string, why: string): Promise<Left> {
  const payout = await ports.ledger.read(payoutId);
  if (!payout || payout.state === 'UNRESOLVED') return undefined;
  return await tell(ports, payoutId, { type: 'mismatch', attempt: payout.attempt, reason: `${why}; ${REASON}` });
}

/**
 * A line of the statement as the message that the PSP has sent, or should have: whoever takes facts of this payout looks it
 * up, and books what that says. Its key is new when the payout is: a line may come to be true again.
 */
async function handOn({ pool, ledger }: RepairPorts, { payoutId, line }: LineFinding): Promise<Left> {
  const payout = await ledger.read(payoutId);
  if (!payout) return 'the books do not know it';
  const eventKey = `statement:${line.reference}:${line.status}:${payout.sequence}`;
  const body = JSON.stringify({ statement: { ...line, amountMinor: line.amountMinor.toString() } });
  await pool.query(
    `INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, hand_on_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '${FIRST_SWEPT_AFTER}') ON CONFLICT (psp, event_key) DO NOTHING`,
    [newId('msg'), payout.psp, eventKey, line.reference, payoutId, attemptIn(line), line.status, body],
  );
  return undefined;
}

async function tell(ports: RepairPorts, payoutId: string, fact: Fact): Promise<Left> {
  return await tellAs(ports, payoutId, fact, ['applied', 'already']);
}

/** @param taken the answers by which it is done. */
async function tellAs({ ledger }: RepairPorts, payoutId: string, fact: Fact, taken: readonly FactOutcome[]): Promise<Left> {
  const payout = await ledger.read(payoutId);
  if (!payout) return 'the books do not know it';
  const round = fact.type === 'reinitiated' ? payout.round + 1 : payout.round;
  const key = stepKey(fact, { sequence: payout.sequence, round });
  const { outcome } = await ledger.applyFact(payoutId, key, fact, 'system');
  return taken.includes(outcome) ? undefined : `the books refuse it: ${outcome}`;
}

const isOnHold = ({ state }: PayoutRecord): boolean => state === 'ON_HOLD' || state === 'REVIEW_ON_HOLD';

/** Nothing that is open is sent by itself any more: what is not sent yet is held, what may be on the wire only looked up. */
export async function holdAll(ports: RepairPorts): Promise<number> {
  let held = 0;
  for (const payout of await openPayouts(ports.pool)) {
    if (isOnHold(payout)) continue;
    const { id, state } = payout;
    const left = STATES[state].inFlight
      ? await askOperator(ports, id, 'nobody knows what was called off')
      : await tell(ports, id, { type: 'held', reason: REASON });
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
  readonly messages: number;
}

/**
 * What runs has seen books that are gone, or has not seen those that are there. Each open payout gets a new run, which
 * goes on from the books: what may be on the wire is looked up, what is sent is sent under the key that it would have had.
 * @param left payouts that are left to a person: the runs of those that the books still do not know wait for them.
 */
export async function takeUpAll(ports: RepairPorts, left: ReadonlySet<string>): Promise<TakenUp> {
  const { pool, ledger, runs, payouts } = ports;
  for (const run of await runs.running()) {
    const waits = left.has(run.payoutId) && (await ledger.read(run.payoutId)) === undefined;
    if (!waits) await runs.end(run, REASON);
  }
  const open = await openPayouts(pool);
  for (const payout of open) await payouts.resume(payout);
  const received = await pool.query<{ id: string; payout_id: string; round: number; attempt: number; claim: string }>(
    `SELECT m.id, m.payout_id, p.round, m.attempt, m.claim FROM psp_messages m JOIN payouts p ON p.id = m.payout_id
      WHERE m.state = 'received' ORDER BY m.id`,
  );
  for (const { id, payout_id, round, attempt, claim } of received.rows) {
    await payouts.notice(payout_id, round, { messageId: id, attempt, claim: claimOf(claim) });
  }
  return { payouts: open.length, messages: received.rows.length };
}
