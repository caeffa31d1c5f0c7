/** PSPs' messages as rows: stored before anything acts on them, and handed to their payout until they are dealt with. */
import type { Pool } from 'pg';
import type { PayoutState } from '../payouts/rules/machine.ts';

/**
 * Before one that was stored is first handed on by the relay: it was handed on at once, after at most 3.5 s of waiting
 * for the reply and 5 s for Temporal, and the look-up that follows takes seconds too.
 */
export const FIRST_SWEPT_AFTER = '30 seconds';

/** One that was taken and of which nothing more was heard, because whoever took it has died or failed, is due again after this. */
const TAKEN_FOR = '1 minute';

/** What is written beside a message that says once more what the books have closed with. */
export const NOTHING_NEW = 'nothing new';

const CLOSE = `
  UPDATE psp_messages SET state = 'applied', detail = '${NOTHING_NEW}', handled_at = now(), hand_on_at = NULL WHERE id = $1`;

/** Nothing follows from it: see `isRepeated`. */
export async function closeRepeated(pool: Pool, messageId: string): Promise<void> {
  await pool.query({ name: 'close_message', text: CLOSE, values: [messageId] });
}

/** Of a payout `p`, in SQL: the state of that attempt of it; null where there is none. */
export const attemptState = (attempt: string): string =>
  `(SELECT a.state FROM payout_attempts a WHERE a.payout_id = p.id AND a.attempt = ${attempt})`;

/** One that nobody has dealt with, and where its payout stands. */
export interface DueMessage {
  readonly id: string;
  /** A look-up has said otherwise. */
  readonly isContradicted: boolean;
  readonly payoutId: string;
  readonly attempt: number;
  readonly claim: string;
  /** How often it was handed on again. */
  readonly handed: number;
  /** When it last came. */
  readonly receivedMs: string;
  readonly round: number;
  readonly payoutState: PayoutState;
  readonly attemptState: string | null;
}

/** Those whose time has come, and no other relay's until it is told otherwise. */
const TAKE = `
  WITH due AS (
    SELECT id, state FROM psp_messages WHERE hand_on_at <= now() ORDER BY hand_on_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE psp_messages m SET hand_on_at = now() + interval '${TAKEN_FOR}' FROM due WHERE m.id = due.id
    RETURNING m.id, due.state = 'ignored' AS "isContradicted", m.payout_id, m.attempt, m.claim, m.handed,
              (extract(epoch FROM m.received_at) * 1000)::bigint::text AS "receivedMs"
  )
  SELECT taken.id, taken."isContradicted", p.id AS "payoutId", taken.attempt, taken.claim, taken.handed, taken."receivedMs",
         p.round, p.state AS "payoutState", ${attemptState('taken.attempt')} AS "attemptState"
    FROM taken JOIN payouts p ON p.id = taken.payout_id`;

/** Takes at most so many. Each is due again in a minute, whatever becomes of us. */
export async function takeDueMessages(pool: Pool, most: number): Promise<readonly DueMessage[]> {
  const { rows } = await pool.query<DueMessage>({ name: 'take_due_messages', text: TAKE, values: [most] });
  return rows;
}

/** What a look-up has contradicted is looked into once more. */
export async function reopen(pool: Pool, messageId: string): Promise<void> {
  await pool.query(`UPDATE psp_messages SET state = 'received' WHERE id = $1 AND state = 'ignored'`, [messageId]);
}

/** It was handed on, and is again after this, unless it has been dealt with meanwhile. */
export async function handAgainAfter(pool: Pool, messageId: string, after: string): Promise<void> {
  const text = `
    UPDATE psp_messages SET handed = handed + 1, hand_on_at = now() + $2::interval WHERE id = $1 AND hand_on_at IS NOT NULL`;
  await pool.query({ name: 'hand_message_again', text, values: [messageId, after] });
}

/** It is an operator's now. */
export async function handNoMore(pool: Pool, messageId: string): Promise<void> {
  await pool.query('UPDATE psp_messages SET hand_on_at = NULL WHERE id = $1', [messageId]);
}
