/**
 * A look at a withdrawal, a slice or a payin: whatever is due for it is done, and how long until the next of it is due. The database
 * decides by its own clock what is due; all of it may be done again, and by two at once.
 */
import type { Pool } from 'pg';
import { failpoint } from '../../src/failpoints.ts';
import { readBatch, readBatches, readInstantPayout } from '../../src/instant/reads.ts';
import { BATCH, BATCH_STATES } from '../../src/instant/rules/batchMachine.ts';
import type { BatchInput, InstantClient, InstantPayoutInput, Looked, PayinInput } from '../../src/instant/rules/contract.ts';
import type { BatchRecord } from '../../src/instant/rules/records.ts';
import type { HandOver, Rest } from '../../src/instant/useCases/handOver.ts';
import {
  assignValidator,
  closeInstantPayout,
  lapseAssignment,
  lapseConfirmation,
  lapsePayin,
  matchBatch,
  matchPayin,
  restOfInstantPayout,
  seeBatchOver,
  seeInstantPayoutOver,
} from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';

export interface InstantPorts {
  readonly pool: Pool;
  readonly instant: InstantClient;
  /** Takes the payout of a withdrawal's rest in, or gives the rest back where that is refused for ever. */
  readonly handOver: HandOver;
  /** After each change: events were written, and what they send is due. */
  readonly onWritten?: () => void;
}

export type InstantActivities = ReturnType<typeof createInstantActivities>;

const OVER: Looked = { isOver: true, againInMs: null };
const WHEN_TOLD: Looked = { isOver: false, againInMs: null };
const again = (ms: number): Looked => ({ isOver: false, againInMs: ms });
/** Two things are waited for: until the first of them. */
const both = (one: Looked, other: Looked): Looked => ({
  isOver: one.isOver && other.isOver,
  againInMs: [one.againInMs, other.againInMs].reduce((first, ms) =>
    first === null ? ms : ms === null ? first : Math.min(first, ms),
  ),
});

/** Nobody tells that a frozen user is free, or that a balance has room: somebody has to look. */
const BLOCKED_MS = 60_000;
/** A payin is given a slice when one comes free; what was missed, because somebody was just taking it, is found by this. */
const PAYIN_LOOKS_MS = 30_000;
/** A worker that is away takes some seconds to be back. */
const PENDING_MS = 5_000;
/** A clock that is ahead of the database's asks too early, and not more often than this. */
const LEAST_MS = 100;

export function createInstantActivities({ pool, instant, handOver, onWritten = () => {} }: InstantPorts) {
  /** By the database's clock, as the deadline is. */
  async function until(instantText: string): Promise<number> {
    const { rows } = await pool.query<{ ms: number }>(
      'SELECT ceil(1000 * extract(epoch FROM $1::timestamptz - clock_timestamp()))::float8 AS ms',
      [instantText],
    );
    return Math.max(rows[0]?.ms ?? 0, LEAST_MS);
  }

  /** What is to be done for a slice in each state; undefined: something was done, and it must be looked at anew. */
  async function stepOfBatch(batch: BatchRecord): Promise<Looked | undefined> {
    if (BATCH_STATES[batch.state].free) return await offer(batch);
    if (batch.state === 'assigned') return await expire(batch);
    const isLookedAt = batch.review !== null || batch.state === 'disputed'; // a person has the word
    if (batch.state === 'sys_confirmed' && !isLookedAt) return await tire(batch);
    return BATCH.isFinal(batch.state) ? OVER : WHEN_TOLD;
  }

  async function offer({ id, instantPayoutId }: BatchRecord): Promise<Looked | undefined> {
    const answer = await matchBatch(pool, id);
    // When the time to fill it is over its withdrawal closes it: whether anybody tells or not, this ends then.
    if (answer.outcome === 'free') return again(Math.max((await fillableMs(instantPayoutId)) ?? 0, PENDING_MS));
    if (answer.outcome === 'matched') await instant.lookAtPayin(answer.payinId);
    return undefined;
  }

  async function expire({ id, epoch }: BatchRecord): Promise<Looked | undefined> {
    await failpoint('slice.expiring', id); // also while there is time: nobody watches the deadline yet
    const answer = await lapseAssignment(pool, id, epoch);
    if (answer.outcome === 'early') return again(await until(answer.until));
    await failpoint('slice.expired', id);
    return undefined;
  }

  /** Whoever of the operators is to look at it, or at a late proof of it, which may come whatever becomes of the slice. */
  async function watch({ id }: BatchRecord): Promise<Looked> {
    const answer = await assignValidator(pool, id);
    if (answer.outcome === 'assigned') return again(await until(answer.until));
    if (answer.outcome === 'none') return again(BLOCKED_MS); // there is no operator yet
    return OVER;
  }

  async function tire({ id }: BatchRecord): Promise<Looked | undefined> {
    const answer = await lapseConfirmation(pool, id);
    if (answer.outcome === 'early') return again(await until(answer.until));
    if (answer.outcome === 'payee_frozen' || answer.outcome === 'balance_limit') return again(BLOCKED_MS);
    return undefined; // confirmed, in review, or somebody else was faster
  }

  /** How long it may still be filled; null: for no longer, or it is closing. */
  async function fillableMs(id: string): Promise<number | null> {
    const { rows } = await pool.query<{ ms: number }>(
      `SELECT ceil(1000 * extract(epoch FROM w.created_at + (w.policy ->> 'fillMs')::bigint * interval '1 millisecond' - clock_timestamp()))::float8 AS ms
         FROM instant_payouts w WHERE w.id = $1 AND w.closing IS NULL AND w.completed_at IS NULL`,
      [id],
    );
    return rows[0] === undefined ? null : rows[0].ms;
  }

  /** Nothing has been paid of it, nor come back: later its slices are told one by one, of what happens to them. */
  async function isNew(id: string): Promise<boolean> {
    const found = await readInstantPayout(pool, id);
    if (!found) throw new Error(`there is no withdrawal ${id}`);
    return found.sequence === 1;
  }

  async function tellEach(batches: readonly BatchRecord[]): Promise<void> {
    for (const { id } of batches) await instant.lookAtBatch(id);
  }

  /** The payout has it, or the payee has it back; false: no worker has taken the payout up yet. */
  async function isHandedOver(rest: Rest): Promise<boolean> {
    await failpoint('rest.before', rest.instantPayout.id);
    const came = await handOver(rest);
    await failpoint('rest.after', rest.instantPayout.id);
    onWritten();
    if (came === 'pending') return false;
    const now = await restOfInstantPayout(pool, rest.instantPayout.id, rest.payoutId);
    return now.outcome === 'over';
  }

  /** What is due for a withdrawal: its end where its time is over, its slices' workflows while it is new, the payout of its rest. */
  async function stepOfInstantPayout(id: string): Promise<Looked> {
    const fillable = await fillableMs(id);
    if (fillable !== null && fillable <= 0) {
      const closed = await closeInstantPayout(pool, { instantPayoutId: id, reason: 'unfilled', actor: 'system' });
      await failpoint('withdrawal.closed', id);
      onWritten();
      if ('batches' in closed) await tellEach(closed.batches.filter(({ state }) => BATCH.isFinal(state)));
    }
    // Each slice has a workflow from the beginning: whoever looks into the Temporal UI sees all of them.
    if (await isNew(id)) await tellEach(await readBatches(pool, id));
    const rest = await restOfInstantPayout(pool, id, newId('po'));
    switch (rest.outcome) {
      case 'over':
        return OVER;
      case 'user_frozen':
        return again(BLOCKED_MS);
      case 'hand_over':
        return (await isHandedOver(rest)) ? OVER : again(PENDING_MS);
      case 'waiting':
        return fillable !== null && fillable > 0 ? again(Math.max(fillable, LEAST_MS)) : WHEN_TOLD;
    }
  }

  return {
    async lookAtBatch({ batchId }: BatchInput): Promise<Looked> {
      for (;;) {
        const batch = await readBatch(pool, batchId);
        if (!batch) throw new Error(`there is no batch ${batchId}`);
        const looked = await stepOfBatch(batch);
        onWritten();
        if (looked === undefined) continue;
        if (BATCH.isFinal(batch.state)) {
          await instant.lookAtInstantPayout(batch.instantPayoutId);
          await seeBatchOver(pool, batchId);
        }
        return both(looked, await watch(batch));
      }
    },

    async lookAtPayin({ payinId }: PayinInput): Promise<Looked> {
      const matched = await matchPayin(pool, payinId);
      onWritten();
      if (matched.outcome !== 'waiting') {
        // Also where it was matched before: whoever did that may have ended before the slice was told of its deadline.
        const { state, batchId } = matched.payin;
        if (state === 'assigned' && batchId !== null) await instant.lookAtBatch(batchId);
        return OVER;
      }
      const lapsed = await lapsePayin(pool, payinId);
      onWritten();
      return lapsed.outcome === 'early' ? again(Math.min(await until(lapsed.until), PAYIN_LOOKS_MS)) : OVER;
    },

    async lookAtInstantPayout({ instantPayoutId: id }: InstantPayoutInput): Promise<Looked> {
      const looked = await stepOfInstantPayout(id);
      if (looked.isOver) await seeInstantPayoutOver(pool, id);
      return looked;
    },
  };
}
