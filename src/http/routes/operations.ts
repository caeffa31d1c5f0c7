/** For whoever runs this: is it well, what does it do, what can it do. Open: nothing here is anybody's. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { withLimit } from '../../net/address.ts';
import { openAnswers } from '../answers.ts';
import type { ApiContext } from '../context.ts';
import type { Metrics } from '../plugins/metrics.ts';

const checkSchema = z.enum(['ok', 'down']);
const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    checks: z.object({
      database: checkSchema,
      temporal: checkSchema,
      worker: z.enum(['ok', 'stuck', 'down', 'disabled']).meta({
        description: '`stuck`: those that run get nowhere; `disabled`: none runs, and none is meant to (ENABLE_WORKERS=false)',
      }),
    }),
  })
  .meta({ id: 'Health' });

/** A load balancer asks every second or two: no check may take longer. */
const CHECK_MS = 1_000;

export function operationRoutes(context: ApiContext, metrics: Metrics): FastifyPluginAsyncZod {
  return async (app) => {
    app.addHook('onRequest', (request) => app.rateLimits.open(request));

    app.get(
      '/health',
      {
        logLevel: 'warn', // asked all the time
        schema: {
          operationId: 'getHealth',
          summary: 'Is everything there?',
          tags: ['operations'],
          security: [],
          response: openAnswers({ 200: healthSchema, 503: healthSchema }),
        },
      },
      async (_request, reply) => {
        const health = await checkAll(context);
        return await reply.code(health.status === 'ok' ? 200 : 503).send(health);
      },
    );

    app.get('/metrics', { logLevel: 'warn', schema: { hide: true } }, async (_request, reply) => {
      const text = await metrics.text();
      return await reply.type(metrics.contentType).send(text);
    });

    app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  };
}

async function checkAll({ pool, pingTemporal, config }: ApiContext) {
  const [database, temporal, seen] = await Promise.all([
    passes(() => pool.query('SELECT 1')),
    passes(pingTemporal),
    withLimit(seeWorkers(pool).then(inOneWord), CHECK_MS).catch(() => 'down' as const),
  ]);
  // Without workers of its own the door is well: what it takes in waits for one that runs elsewhere.
  const worker = seen === 'down' && !config.enableWorkers ? ('disabled' as const) : seen;
  const isWell = database === 'ok' && temporal === 'ok' && (worker === 'ok' || worker === 'disabled');
  return { status: isWell ? ('ok' as const) : ('degraded' as const), checks: { database, temporal, worker } };
}

const passes = (check: () => Promise<unknown>): Promise<'ok' | 'down'> =>
  withLimit(check(), CHECK_MS).then(
    () => 'ok',
    () => 'down',
  );

/** A worker says that it runs every 2 s (src/worker/beat.ts): ten seconds are five missed. One that gets somewhere is enough. */
const SEE = `
  SELECT count(*)::int AS seen, count(*) FILTER (WHERE NOT stuck)::int AS well
    FROM worker_beats WHERE seen_at > now() - interval '10 seconds'`;

/** How many workers run, and how many of them get somewhere. */
export async function seeWorkers(pool: Pool): Promise<{ readonly seen: number; readonly well: number }> {
  const { rows } = await pool.query<{ seen: number; well: number }>(SEE);
  return rows[0] ?? { seen: 0, well: 0 };
}

function inOneWord({ seen, well }: Awaited<ReturnType<typeof seeWorkers>>): 'ok' | 'stuck' | 'down' {
  if (seen === 0) return 'down';
  return well > 0 ? 'ok' : 'stuck';
}
