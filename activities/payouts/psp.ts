/** The PSP as activities: send an attempt once, and look up what became of it. */
import { ApplicationFailure, activityInfo, cancellationSignal, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { failpoint } from '../../src/failpoints.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Destination, FactAnswer, Mode } from '../../src/payouts/rules/contract.ts';
import { factsOf, isNews, replyContext } from '../../src/payouts/rules/facts.ts';
import type { PayoutState } from '../../src/payouts/rules/machine.ts';
import type { PspReply } from '../../src/payouts/rules/reply.ts';
import { type Said, type StepAnswer, saidIn } from '../../src/payouts/rules/standing.ts';
import { stepKey } from '../../src/payouts/rules/steps.ts';
import { tellInOrder } from '../../src/payouts/rules/telling.ts';
import type { PspConnector, PspOrder } from '../../src/psp/port.ts';
import { pspReference } from '../../src/rules/ids.ts';
import { whileBeating } from '../beating.ts';
import { factDoor } from './ledger.ts';

export interface SubmitInput {
  readonly payoutId: string;
  readonly attempt: number;
  readonly sequence: number;
  readonly round: number;
  /** When an operator is asked, should the outcome be unknown. */
  readonly outcomeUntil: string;
}

/**
 * - `recorded`: the payout once the books had what the reply made true
 * - `asked`: the payout when the attempt was begun; the reply is to be applied
 * - `not_begun`: the payout was held, cancelled or settled meanwhile, or a pause holds; nothing was sent
 * `retryAfterMs`: what the PSP wants to be waited for, where it could not take it.
 */
export type SubmitAnswer =
  | { readonly did: 'recorded'; readonly view: StepAnswer<Said>; readonly retryAfterMs?: number }
  | { readonly did: 'asked'; readonly view: StepAnswer<Said>; readonly retryAfterMs?: number; readonly reply: PspReply }
  | { readonly did: 'not_begun'; readonly view: StepAnswer<Said>; readonly retryAfterMs?: undefined };

export interface LookUpInput {
  readonly payoutId: string;
  readonly attempt: number;
  /** What is known already: an answer that adds nothing to it is asked for again, later. Null: take any answer. */
  readonly known: PayoutState | null;
  /** It was proven dead, and the PSP shows it alive: only how it ended is news. */
  readonly isDoubted: boolean;
  readonly notFoundGraceMs: number;
  /** Nobody will ask again: an answer that proves nothing is asked for again, too. */
  readonly insist?: boolean;
}

export interface PspPorts {
  readonly ledger: Ledger;
  readonly pool: Pool;
  readonly connector: (name: string, mode: Mode) => PspConnector | undefined;
}

/** A worker that dies during a PSP call is noticed after the workflow's heartbeat timeout, three of these. */
const HEARTBEAT_MS = 3_000;

/**
 * From the begin of an attempt to its request. Whoever comes later was asleep, and somebody may have decided meanwhile that
 * nothing was sent. With PSP_TIMEOUT's upper limit of 30 s it stays below the 60 s after which the workflow gives a send up.
 */
const SEND_WITHIN_MS = 20_000;

const INTERRUPTED: PspReply = { kind: 'unknown', reason: 'an interrupted try may have sent it' };

const READ_ORDER = `
  SELECT p.amount, p.currency, p.mode, coalesce(a.psp, p.psp) AS psp, p.description, p.destination, a.psp_ref, a.state = 'succeeded' AS is_paid,
         p.state = 'SUBMITTING' AND p.attempt = $2 AND a.state = 'open' AS is_begun, a.told_at,
         extract(epoch FROM clock_timestamp() - a.sent_at) * 1000 AS sent_ago_ms
    FROM payouts p LEFT JOIN payout_attempts a ON a.payout_id = p.id AND a.attempt = $2 WHERE p.id = $1`;

export type PspActivities = ReturnType<typeof createPspActivities>;

export function createPspActivities({ ledger, pool, connector }: PspPorts) {
  const applyFact = factDoor(ledger);

  async function orderOf(payoutId: string, attempt: number): Promise<Order> {
    const { rows } = await pool.query<OrderRow>({ name: 'read_order', text: READ_ORDER, values: [payoutId, attempt] });
    const row = rows[0];
    if (!row) throw ApplicationFailure.nonRetryable(`no payout ${payoutId}`);
    const psp = connector(row.psp, row.mode);
    if (!psp) {
      throw ApplicationFailure.retryable(
        `this worker has no connector for the PSP ${row.psp} in ${row.mode} mode`,
        'PspNotConfigured',
      );
    }
    const order = {
      reference: pspReference(payoutId, attempt),
      amountMinor: BigInt(row.amount),
      currency: row.currency,
      destination: row.destination,
      description: row.description,
      pspRef: row.psp_ref,
      isPaid: row.is_paid ?? false,
    };
    const sentAgoMs = row.sent_ago_ms === null ? 0 : Math.trunc(Number.parseFloat(row.sent_ago_ms));
    return { order, psp, sentAgoMs, begunAt: row.is_begun ? row.told_at : null };
  }

  /**
   * Asks for the money, unless this worker has slept since it began: the attempt may have been closed by then, and its money
   * sent under another key. What is left is a sleep between the last look at the clock and the first byte (docs/proof.md).
   */
  async function ask({ payout }: FactAnswer, attempt: number, leftMs: () => number): Promise<PspReply> {
    const { order, psp, sentAgoMs, begunAt } = await orderOf(payout.id, attempt);
    if (begunAt !== payout.sequence) return notSent('something else was told of the attempt before it was sent');
    await failpoint('psp_call.before', payout.id);
    if (cancellationSignal().aborted) return notSent('the worker was given up before it sent');
    if (sentAgoMs > SEND_WITHIN_MS || leftMs() < 0) return notSent('the worker came too late to send');
    const reply = await psp.submit(order, cancellationSignal());
    await failpoint('psp_call.after', payout.id);
    return reply;
  }

  /**
   * Undefined where that is left to the workflow: a failure that another attempt follows, of which it says when, by its
   * own clock; and while the books cannot be reached, for it tries until they can.
   */
  async function record(
    begin: FactAnswer,
    { attempt, outcomeUntil }: SubmitInput,
    reply: PspReply,
  ): Promise<FactAnswer | undefined> {
    const askedAt = begin.payout.sequence;
    const facts = factsOf(reply, replyContext(begin.payout, { attempt, source: 'reply', askedAt, outcomeUntil }));
    if (facts.some(({ type }) => type === 'attempt_failed')) return undefined;
    let latest = begin;
    try {
      await tellInOrder(facts, askedAt, async (fact) => {
        const { payout } = latest;
        latest = await applyFact(payout.id, stepKey(fact, payout), fact, `psp:${payout.psp}`);
        return latest;
      });
      return latest;
    } catch (error) {
      log.warn("a PSP's reply could not be written down at once", { error });
      return undefined;
    }
  }

  return {
    /**
     * Writes the attempt, then asks the PSP for the money, once: if this runs again for the same step, somebody may
     * have asked already, and only a look-up can tell. What it answers is written down at once: no hop through Temporal,
     * which may be away, stands between the proof and the books.
     */
    async submit(input: SubmitInput): Promise<SubmitAnswer> {
      const { payoutId, attempt } = input;
      const fact = { type: 'attempt_started', attempt } as const;
      await failpoint('attempt.before', payoutId);
      // From the first moment: a slow database is no dead worker, whose request might have left.
      return await whileBeating(HEARTBEAT_MS, async () => {
        const leftMs = countdown(SEND_WITHIN_MS);
        const begin = await applyFact(payoutId, stepKey(fact, input), fact, 'system');
        if (begin.outcome !== 'applied' && begin.outcome !== 'already') return { did: 'not_begun', view: saidIn(begin) };
        const reply = begin.outcome === 'already' ? INTERRUPTED : await ask(begin, attempt, leftMs);
        const recorded = await record(begin, input, reply);
        const pause = reply.kind === 'not_taken' && reply.retryAfterMs !== null ? { retryAfterMs: reply.retryAfterMs } : {};
        return recorded
          ? { did: 'recorded', view: saidIn(recorded), ...pause }
          : { did: 'asked', view: saidIn(begin), ...pause, reply };
      });
    },

    /**
     * Asks the PSP what became of an attempt. While there is nothing new it fails, and its retry policy is the
     * schedule of look-ups: no history events, and the UI shows when the next one comes.
     */
    async lookUp({ payoutId, attempt, known, isDoubted, notFoundGraceMs, insist = false }: LookUpInput): Promise<PspReply> {
      const { order, psp, sentAgoMs } = await orderOf(payoutId, attempt);
      await failpoint('look_up.before', payoutId);
      const said = await psp.lookUp(order, cancellationSignal());
      // What it has named once cannot be unknown to it: it may have forgotten, and a repeat would be a second payment.
      const reply: PspReply =
        said.kind === 'not_found' && order.pspRef !== null ? { kind: 'unknown', reason: 'it was known before' } : said;
      // A PSP may not know yet what it has taken: "not found" means something only after a while.
      const tooEarly = reply.kind === 'not_found' && sentAgoMs < notFoundGraceMs;
      const provesNothing = insist && (reply.kind === 'unknown' || reply.kind === 'not_taken');
      if (provesNothing || (known !== null && (tooEarly || !isNews(reply, known, isDoubted)))) {
        throw ApplicationFailure.create({
          message: `nothing new from ${psp.name}: ${reply.kind} (look-up ${activityInfo().attempt})`,
          type: 'NoNews',
          category: 'BENIGN',
        });
      }
      return reply;
    },
  };
}

/** Certain: this request, the only one of its begin, has not left. */
const notSent = (reason: string): PspReply => ({ kind: 'not_taken', reason, retryAfterMs: null });

/** By two clocks: the one stands still while the machine sleeps, the other may be set back. */
function countdown(ms: number): () => number {
  const [ticks, time] = [performance.now(), Date.now()];
  return () => ms - Math.max(performance.now() - ticks, Date.now() - time);
}

interface Order {
  readonly order: PspOrder;
  readonly psp: PspConnector;
  /** By the database's clock. */
  readonly sentAgoMs: number;
  /** The event with which its last send began, if nothing has been told of it since; null: it is not to be sent. */
  readonly begunAt: number | null;
}

interface OrderRow {
  readonly amount: string;
  readonly currency: string;
  readonly mode: Mode;
  readonly psp: string;
  readonly description: string | null;
  readonly destination: Destination;
  readonly psp_ref: string | null;
  readonly is_paid: boolean | null;
  readonly is_begun: boolean | null;
  readonly told_at: number | null;
  readonly sent_ago_ms: string | null;
}
