/** The runs that send approved provider payouts: what each has done, when the next one comes, and one at once. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { ID_KEY, openPage, pageQuery } from '../../../http/paging.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentRun, type RunRow } from '../../present/payoutRun.ts';
import { PAYOUT_RUN_SCHEDULE } from '../../rules/payoutRun.ts';
import { payoutRunSchema, payoutRunsSchema, runsScheduleSchema } from './schemas.ts';

const { read, write } = documented('admin');

/** A payout belongs to the run that sent it, also where it is tried again later. Returned money has failed to arrive, too. */
const RUNS = `
  SELECT r.id, r.trigger, r.started_at AS "startedAt", r.finished_at AS "finishedAt",
         coalesce(sum(c.dispatched), 0)::int AS dispatched, coalesce(sum(c.completed), 0)::int AS completed,
         coalesce(sum(c.failed), 0)::int AS failed,
         coalesce(jsonb_object_agg(c.currency, c.amount) FILTER (WHERE c.currency IS NOT NULL), '{}') AS amount
    FROM payout_runs r LEFT JOIN LATERAL (
      SELECT p.currency, count(*) AS dispatched, count(*) FILTER (WHERE p.state = 'SUCCEEDED') AS completed,
             count(*) FILTER (WHERE p.state IN ('FAILED', 'RETURNED')) AS failed, sum(p.amount)::text AS amount
        FROM payouts p WHERE p.run_id = r.id GROUP BY p.currency) c ON true`;
const NEWEST = `${RUNS} WHERE $1::text IS NULL OR r.id < $1 GROUP BY r.id ORDER BY r.id DESC LIMIT $2`;
const ONE = `${RUNS} WHERE r.id = $1 GROUP BY r.id`;

export function payoutRunRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, payoutRuns } = context;
  return async (app) => {
    const mayRead = adminAuth(context, ACTION_ROLES.read);
    const maySteer = adminAuth(context, ACTION_ROLES.payoutRuns);

    app.get(
      '/payout-runs',
      {
        onRequest: mayRead,
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('Runs of provider payouts, newest first, and when the next one comes', payoutRunsSchema),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const [{ rows }, schedule] = await Promise.all([
          pool.query<RunRow>(NEWEST, [page.after ?? null, page.take]),
          payoutRuns.schedule(),
        ]);
        return { ...page.answer(rows, ({ id }) => id, presentRun), ...schedule };
      },
    );

    app.get(
      '/payout-runs/:id',
      { onRequest: mayRead, schema: { params: byId, querystring: noQuery, ...read('One run', payoutRunSchema) } },
      async (request) => presentRun(await readRun(pool, request.params.id)),
    );

    app.post(
      '/payout-runs',
      {
        onRequest: maySteer,
        schema: { querystring: noQuery, body: noBody, ...write('Send what is approved now', 202, payoutRunSchema) },
      },
      async (request, reply) =>
        await onceIfKeyed(context, request, reply, {
          allot: () => newId('run'),
          async execute(runId) {
            await payoutRuns.start(runId);
            // The workflow does the same: whoever is first. So the run is there as soon as its id is.
            await pool.query(`INSERT INTO payout_runs (id, trigger) VALUES ($1, 'admin') ON CONFLICT (id) DO NOTHING`, [runId]);
            await writeAudit(context.prisma, request, { action: 'payout_run.start', target: runId });
            return { status: 202, body: presentRun(await readRun(pool, runId)) };
          },
        }),
    );

    for (const name of ['pause', 'resume'] as const) {
      app.post(
        `/payout-runs/${name}`,
        {
          onRequest: maySteer,
          schema: { querystring: noQuery, body: noBody, ...write(STEERS[name], 200, runsScheduleSchema) },
        },
        async (request) => {
          const schedule = await payoutRuns[name](`${name} by ${adminOf(request).adminId}`);
          await writeAudit(context.prisma, request, { action: `payout_run.${name}`, target: PAYOUT_RUN_SCHEDULE });
          return { object: 'payout_run_schedule' as const, ...schedule };
        },
      );
    }
  };
}

const STEERS = {
  pause: 'No more runs by the clock until resumed; one that runs goes on',
  resume: 'Runs by the clock again',
} as const;

/** @throws Problem 404. */
async function readRun(pool: Pool, id: string): Promise<RunRow> {
  const { rows } = await pool.query<RunRow>(ONE, [id]);
  if (!rows[0]) throw notFound();
  return rows[0];
}
