/** Pausing a PSP, a merchant, a flow or everything, and letting it go on. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audited } from '../../http/audit.ts';
import { adminOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, noBody, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { plainText } from '../../http/plainText.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../http/plugins/idempotency.ts';
import { brokenRule, notFound } from '../../http/problem.ts';
import { readExpiry, time } from '../../http/times.ts';
import { PAUSABLE_FLOWS } from '../../rules/flows.ts';
import { newId } from '../../rules/newId.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { pauseSchema, presentPause } from '../present/pause.ts';
import { listPauses, readPause } from '../reads.ts';
import { nameOf, type PauseRecord, type Scope } from '../rules/pause.ts';

const { read, write } = documented('admin');

const REASON_MAX = 500;

const pauseBody = z
  .strictObject({
    scope: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('all') }),
      z.strictObject({ kind: z.literal('psp'), name: word }),
      z.strictObject({ kind: z.literal('merchant'), name: word.meta({ description: 'Its id' }) }),
      z.strictObject({ kind: z.literal('flow'), name: z.enum(PAUSABLE_FLOWS) }),
    ]),
    reason: plainText(1, REASON_MAX),
    until: time.nullish().meta({ description: 'When it ends by itself; without it, it must be resumed' }),
  })
  .meta({ id: 'NewPause' });

export function pauseRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const steers = adminAuth(context, ACTION_ROLES.pause);

  async function mustRead(id: string): Promise<PauseRecord> {
    const pause = await readPause(pool, id);
    if (!pause) throw notFound();
    return pause;
  }

  return async (app) => {
    app.get(
      '/pauses',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject({ ...pageQuery, status: z.enum(['holding', 'ended']).optional() }),
          ...read('Pauses, newest first', listSchema(pauseSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { status } = request.query;
        const holds = status === undefined ? undefined : status === 'holding';
        const pauses = await listPauses(pool, { holds, after: page.after, take: page.take });
        return page.answer(pauses, ({ id }) => id, presentPause);
      },
    );

    app.post(
      '/pauses',
      {
        onRequest: steers,
        schema: {
          querystring: noQuery,
          body: pauseBody,
          ...write('Send nothing new of a PSP, a merchant, a flow or everything; what is on the wire goes on', 201, pauseSchema),
        },
      },
      async (request, reply) =>
        await onceIfKeyed(context, request, reply, {
          allot: () => newId('pau'),
          async execute(pauseId) {
            const begun = await readPause(pool, pauseId); // by the call that this one repeats
            if (!begun) await begin(context, request, pauseId, request.body);
            return { status: 201, body: presentPause(begun ?? (await mustRead(pauseId))) };
          },
        }),
    );

    app.post(
      '/pauses/:id/resume',
      {
        onRequest: steers,
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...write('End a pause: what waited for it goes on, a few at a time, unless another one holds', 200, pauseSchema),
        },
      },
      async (request) => {
        const { id } = await mustRead(request.params.id);
        const { adminId } = adminOf(request);
        await audited<{ ended: boolean }[]>(
          context,
          request,
          ([answer]) => (answer?.ended ? { action: 'pause.resume', target: id } : undefined), // it had ended: nothing was done
          (db) => db.$queryRaw`SELECT end_pause(${id}, ${adminId}) AS ended`,
        );
        // Where Temporal is away, a schedule tells them within a minute of its return.
        await context.pauses
          .letGo()
          .catch((error: unknown) => request.log.warn({ err: error }, 'what was paused goes on by the schedule'));
        return presentPause(await mustRead(id));
      },
    );
  };
}

/** @throws Problem 400 `not_in_future`, 422 `unknown_psp` or `unknown_merchant`. */
async function begin(context: ApiContext, request: FastifyRequest, id: string, body: z.output<typeof pauseBody>): Promise<void> {
  const { scope, reason } = body;
  const until = readExpiry(body.until, '/until');
  await mustBeThere(context, scope);
  const name = nameOf(scope);
  const { adminId } = adminOf(request);
  const data = { scope: { ...scope }, reason, until: until?.toISOString() ?? null };
  await audited(
    context,
    request,
    { action: 'pause.begin', target: id, data },
    (db) => db.$executeRaw`SELECT begin_pause(${id}, ${scope.kind}, ${name}, ${reason}, ${until}::timestamptz, ${adminId})`,
  );
}

/** A pause over a name that nobody has would hold nothing, and whoever began it would believe that it did. */
async function mustBeThere({ pool, psps }: ApiContext, scope: Scope): Promise<void> {
  const unknown = (code: string, detail: string) => brokenRule([{ pointer: '/scope/name', code, detail }]);
  if (scope.kind === 'psp' && !psps.all().some(({ connector }) => connector.name === scope.name))
    throw unknown('unknown_psp', 'No payment provider of this name is configured.');
  if (scope.kind !== 'merchant') return;
  const { rowCount } = await pool.query('SELECT FROM merchants WHERE id = $1', [scope.name]);
  if (rowCount === 0) throw unknown('unknown_merchant', 'There is no merchant of this id.');
}
