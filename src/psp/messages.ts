/** PSPs' messages as rows: stored before anything acts on them, and handed to their payout until they are dealt with. */
import type { Pool } from 'pg';

/**
 * Before one that was stored is first handed on by the sweep: it was handed on at once, after at most 3.5 s of waiting
 * for the reply and 5 s for Temporal, and the look-up that follows takes seconds too.
 */
export const FIRST_SWEPT_AFTER = '30 seconds';

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
