/** What Prometheus reads: requests as they were answered, and what waits in the engine. */
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { Gauge, Histogram, Registry } from 'prom-client';
import { RESOLUTION } from '../../markets/rules/machine.ts';
import { OPEN_STATES } from '../../payouts/rules/machine.ts';

/** From a cached read to a long poll of 25 s. */
const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Payouts that are not over: few, and found by the index on their state, however many there have ever been. */

/** As of payouts. */
const OPEN_RESOLUTIONS = RESOLUTION.statesWhere(({ final }) => !final);

/** Prometheus asks every 15 s or so; nobody may make us count all the time. */
const COUNT_EVERY_MS = 5_000;

const COUNTS = `
  SELECT state AS name, count(*)::int AS count FROM payouts WHERE state = ANY ($1) GROUP BY state
  UNION ALL SELECT 'needs_operator', count(*)::int FROM payouts WHERE needs_operator
  UNION ALL SELECT 'paused', count(*)::int FROM payouts WHERE paused_by IS NOT NULL
  UNION ALL SELECT 'resolution ' || state, count(*)::int FROM resolutions WHERE state = ANY ($2) GROUP BY state
  UNION ALL SELECT 'resolutions_need_operator', count(*)::int FROM resolutions WHERE needs_operator
  UNION ALL SELECT CASE WHEN stuck THEN 'workers_stuck' ELSE 'workers_ok' END, count(*)::int
    FROM worker_beats WHERE seen_at > now() - interval '10 seconds' GROUP BY 1
  UNION ALL SELECT 'requests', count(*)::int FROM payout_requests q
    WHERE NOT EXISTS (SELECT FROM payouts p WHERE p.id = q.payout_id)
      AND NOT EXISTS (SELECT FROM payout_refusals r WHERE r.payout_id = q.payout_id)
  UNION ALL SELECT 'deliveries', count(*)::int FROM webhook_deliveries WHERE state = 'pending'
  UNION ALL SELECT 'held_back_ms', (extract(epoch FROM clock_timestamp() - min(at)) * 1000)::int
    FROM events WHERE (epoch, xid) >= (SELECT h.epoch, h.xid FROM event_horizon h)`;

/** Those that hold: few. */
const PAUSES = `
  SELECT scope_kind AS kind, scope_name AS name, count(*)::int AS count FROM pauses
   WHERE resumed_at IS NULL AND (until IS NULL OR until > now()) GROUP BY scope_kind, scope_name`;

export interface Metrics {
  readonly contentType: string;
  /** For what else this process counts. */
  readonly registry: Registry;
  text(): Promise<string>;
}

export function addMetrics(app: FastifyInstance, pool: Pool): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'oncepay_http_request_seconds',
    help: 'Time to answer, by route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: SECONDS,
    registers,
  });
  const open = new Gauge({
    name: 'oncepay_payouts_open',
    help: 'Payouts that are not final',
    labelNames: ['state'] as const,
    registers,
  });
  const needy = new Gauge({ name: 'oncepay_payouts_need_operator', help: 'Payouts that wait for a person', registers });
  const pauses = new Gauge({
    name: 'oncepay_pauses',
    help: 'Pauses that hold, by what they are over: nothing new of it is sent. Alert on one that nobody remembers',
    labelNames: ['kind', 'name'] as const,
    registers,
  });
  const paused = new Gauge({ name: 'oncepay_payouts_paused', help: 'Payouts that wait for the end of a pause', registers });
  const openResolutions = new Gauge({
    name: 'oncepay_resolutions_open',
    help: 'Resolutions of markets that are not final',
    labelNames: ['state'] as const,
    registers,
  });
  const needyResolutions = new Gauge({
    name: 'oncepay_resolutions_need_operator',
    help: 'Resolutions of markets that wait for a person',
    registers,
  });
  const workers = new Gauge({
    name: 'oncepay_workers',
    help: 'Workers that run, by whether they get anywhere: `stuck` ones hold all their slots for tasks that do not end',
    labelNames: ['state'] as const,
    registers,
  });
  const requests202 = new Gauge({
    name: 'oncepay_payout_requests_waiting',
    help: 'Payouts answered with 202 that no worker has taken up',
    registers,
  });
  const deliveries = new Gauge({ name: 'oncepay_webhook_deliveries_pending', help: 'Webhooks not yet delivered', registers });

  const heldBack = new Gauge({
    name: 'oncepay_events_held_back_seconds',
    help: 'Age of the oldest event that readers do not see yet because an older transaction still writes; 0.25 is much',
    registers,
  });

  app.addHook('onResponse', async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) };
    requests.observe(labels, reply.elapsedTime / 1_000);
  });

  let countedAt = Number.NEGATIVE_INFINITY;
  async function count(): Promise<void> {
    if (performance.now() - countedAt < COUNT_EVERY_MS) return;
    countedAt = performance.now();
    const { rows } = await pool.query<{ name: string; count: number }>(COUNTS, [OPEN_STATES, OPEN_RESOLUTIONS]);
    const counts = new Map(rows.map(({ name, count }) => [name, count]));
    for (const state of OPEN_STATES) open.set({ state }, counts.get(state) ?? 0);
    needy.set(counts.get('needs_operator') ?? 0);
    paused.set(counts.get('paused') ?? 0);
    const held = await pool.query<{ kind: string; name: string; count: number }>(PAUSES);
    pauses.reset();
    for (const { kind, name, count } of held.rows) pauses.set({ kind, name }, count);
    for (const state of OPEN_RESOLUTIONS) openResolutions.set({ state }, counts.get(`resolution ${state}`) ?? 0);
    needyResolutions.set(counts.get('resolutions_need_operator') ?? 0);
    for (const state of ['ok', 'stuck']) workers.set({ state }, counts.get(`workers_${state}`) ?? 0);
    requests202.set(counts.get('requests') ?? 0);
    deliveries.set(counts.get('deliveries') ?? 0);
    heldBack.set((counts.get('held_back_ms') ?? 0) / 1_000);
  }

  return {
    contentType: registry.contentType,
    registry,
    async text() {
      // Requests are of interest most of all when the database is away: the gauges then keep their last value.
      await count().catch((error: unknown) => app.log.warn({ err: error }, 'the gauges could not be counted'));
      return await registry.metrics();
    },
  };
}
