/** How endpoints do, and what waits for them, by the rows that the relay goes by (prisma/functions/relay). */
import type { Sql } from '../db/pool.ts';
import type { WebhookEndpoint } from '../generated/prisma/client.ts';
import { type EndpointHealth, presentEndpointWithHealth } from './present.ts';
import { WAITING_MAX } from './rules/health.ts';

// Each count reads so many entries of an index at most, and the next one due is the first of it. A try that a person has asked
// for is due since for ever: it is now.
const HEALTH = `
  SELECT e.id, r.failing_since AS "failingSince", w.waiting, n.at AS "nextTryAt"
    FROM unnest($1::text[]) e(id)
    LEFT JOIN receivers r ON r.id = e.id -- an endpoint's receiver has its id
   CROSS JOIN LATERAL (SELECT count(*)::int AS waiting FROM (
     SELECT FROM webhook_deliveries d WHERE d.state = 'pending' AND d.receiver_id = e.id LIMIT ${WAITING_MAX}) x) w
    LEFT JOIN LATERAL (
     SELECT greatest(d.due_at, r.probe_at, now()) AS at FROM webhook_deliveries d
      WHERE d.state = 'pending' AND d.receiver_id = e.id ORDER BY d.due_at LIMIT 1) n ON true`;

/** Of each endpoint by its id. One query, however many. */
async function healthOf(sql: Sql, endpoints: readonly WebhookEndpoint[]): Promise<Map<string, EndpointHealth>> {
  const values = [endpoints.map(({ id }) => id)];
  const { rows } = await sql.query<EndpointHealth & { id: string }>({ name: 'endpoint_health', text: HEALTH, values });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Endpoints as merchants see them. @returns how each is presented. */
export async function withHealth(sql: Sql, endpoints: readonly WebhookEndpoint[]) {
  const health = await healthOf(sql, endpoints);
  return (endpoint: WebhookEndpoint) => presentEndpointWithHealth(endpoint, health.get(endpoint.id) ?? NOTHING_KNOWN);
}

export const showEndpoint = async (sql: Sql, endpoint: WebhookEndpoint) => (await withHealth(sql, [endpoint]))(endpoint);

const NOTHING_KNOWN: EndpointHealth = { failingSince: null, waiting: 0, nextTryAt: null };
