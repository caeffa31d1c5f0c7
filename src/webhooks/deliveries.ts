/** What is to be sent to whom, as a row that the relay (src/relay) sends, and a person may ask for once more. */
import type { Sql } from '../db/pool.ts';

export type DeliveryState = 'pending' | 'delivered' | 'failed';
export type Trigger = 'auto' | 'probe' | 'resend';

/** Asks for one try of each at once, besides any schedule. Asked for again before it was made, it is the same try. */
export async function resend(sql: Sql, deliveryIds: readonly string[]): Promise<void> {
  await sql.query({
    name: 'resend_delivery',
    text: 'SELECT resend_delivery(d.id) FROM webhook_deliveries d WHERE d.id = ANY ($1) ORDER BY d.receiver_id',
    values: [deliveryIds],
  });
}
