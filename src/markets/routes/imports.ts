/** Imports: commitments by the million, as a stream of lines. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noBody, noQuery } from '../../http/documented.ts';
import { linesOf } from '../../http/ndjson.ts';
import { INTEGER_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import type { Intake } from '../../http/plugins/intake.ts';
import { notFound, Problem, paused } from '../../http/problem.ts';
import { timeSchema } from '../../http/schemas.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { type ImportError, type ImportRecord, listImportErrors, ownImport } from '../importReads.ts';
import { shownKey } from '../rules/importLine.ts';
import { importLines } from '../useCases/importLines.ts';
import { openImport } from '../useCases/openImport.ts';
import { mustOwnMarket } from './markets.ts';

const { read, write } = documented('markets');

/** Shown with an import; all are in its list. */
const ERRORS_SHOWN = 100;

/** A stake is 200 bytes; twenty times as much is somebody's mistake. */
const LINE_MOST = 4_096;

const NDJSON = 'application/x-ndjson';

/** Of any length: what is held of it is a step of lines. Ten million of them take half an hour. */
const STREAM: Intake = {
  types: [NDJSON],
  limitBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 3_600_000,
  parse: (whole) => whole, // never asked: the scope below reads it as it comes
};

const errorSchema = z
  .object({ line: z.int(), key: z.string(), code: z.string(), detail: z.string() })
  .meta({ id: 'ImportError' });

const importSchema = z
  .object({
    id: z.string(),
    object: z.literal('import'),
    marketId: z.string(),
    lines: z.int().meta({ description: 'Dealt with so far, each key once' }),
    accepted: z.int(),
    rejected: z.int(),
    errors: z.array(errorSchema).meta({ description: `The first ${ERRORS_SHOWN}` }),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  })
  .meta({ id: 'Import' });

async function present({ pool }: Pick<ApiContext, 'pool'>, { id, ...rest }: ImportRecord) {
  const errors = await listImportErrors(pool, id, { after: undefined, take: ERRORS_SHOWN });
  return { id, object: 'import' as const, ...rest, errors: errors.map(presentError) };
}

const presentError = ({ line, key, code, detail }: ImportError) => ({ line, key: shownKey(key), code, detail });

/** @throws Problem 404, the same for an unknown id and another merchant's. */
async function mustOwnImport({ pool }: Pick<ApiContext, 'pool'>, tenant: Tenant, id: string): Promise<ImportRecord> {
  const found = await ownImport(pool, tenant, id);
  if (!found) throw notFound();
  return found;
}

/** @throws Problem 409 `market_closed`, 503 `paused`. */
function mustGoOn(outcome: 'opened' | 'taken_in' | 'market_closed' | 'paused'): void {
  if (outcome === 'market_closed')
    throw new Problem(409, 'market_closed', 'This market takes no stakes any more. What came before stays.');
  if (outcome === 'paused') throw paused();
}

export function importRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = merchantAuth(context, 'markets:read');

  return async (app) => {
    app.post(
      '/markets/:id/imports',
      {
        onRequest: [merchantAuth(context, 'markets:write'), flowOn('markets')],
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...keyed,
          ...write('Begin an import of commitments', 201, importSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('imp'),
          async execute(importId) {
            const { id: marketId } = await mustOwnMarket(context, tenant, request.params.id);
            mustGoOn(await openImport(context, { ...tenant, importId, marketId }));
            const body = await present(context, await mustOwnImport(context, tenant, importId));
            return { status: 201, headers: { location: `/api/v1/imports/${importId}` }, body };
          },
        });
      },
    );

    app.get(
      '/imports/:id',
      {
        onRequest,
        schema: { params: byId, querystring: noQuery, ...read('How far an import is, and what was refused', importSchema) },
      },
      async (request) => present(context, await mustOwnImport(context, tenantOf(merchantOf(request)), request.params.id)),
    );

    app.get(
      '/imports/:id/errors',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject(pageQuery),
          ...read('The lines of an import that were refused, in the order in which they were', listSchema(errorSchema)),
        },
      },
      async (request) => {
        const { id } = await mustOwnImport(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, INTEGER_KEY);
        const errors = await listImportErrors(context.pool, id, { after: page.after, take: page.take });
        return page.answer(errors, ({ nth }) => nth, presentError);
      },
    );
  };
}

/** Outside the idempotency keys: each line has its own, and the whole may be sent again. */
export function importLineRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
    app.put(
      '/imports/:id/lines',
      {
        onRequest: [merchantAuth(context, 'markets:write'), flowOn('markets')],
        config: { intake: STREAM },
        schema: {
          params: byId,
          querystring: noQuery,
          ...write('Send lines: { key, userId, amount, optionId | position }, one JSON object each', 200, importSchema),
        },
      },
      async (request) => {
        const tenant = tenantOf(merchantOf(request));
        const { id: importId, marketId } = await mustOwnImport(context, tenant, request.params.id);
        const market = await mustOwnMarket(context, tenant, marketId);
        const body = (request.body ?? []) as AsyncIterable<Uint8Array>; // nothing was sent: nothing is taken in
        const lines = linesOf(body, LINE_MOST);
        mustGoOn(await importLines(context, { ...tenant, importId, market }, lines));
        return await present(context, await mustOwnImport(context, tenant, importId));
      },
    );
  };
}
