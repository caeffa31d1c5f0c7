/** A merchant's markets: opened and found. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { currencyField } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { plainText } from '../../http/plainText.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { brokenRule, type FieldError, invalidRequest, notFound, paused } from '../../http/problem.ts';
import { readExpiry, time } from '../../http/times.ts';
import type { Mode } from '../../payouts/rules/contract.ts';
import { isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentWhole, type WholeMarket } from '../present/market.ts';
import { marketSchema } from '../present/schemas.ts';
import { listMarkets, ownMarket } from '../reads.ts';
import { FEE_BASES, MARKET_TYPES, type MarketType, POSITIONS, VOID } from '../rules/market.ts';
import { openMarket } from '../useCases/openMarket.ts';

const { read, write } = documented('markets');

/** As many as a page of a market shows, and far more than a question has answers. */
const OPTIONS_MOST = 100;
const BPS_MOST = 10_000;

/** A month: who disputes later than that disputes what was paid. */
const WINDOW_MOST_S = 30 * 24 * 3_600;
/** Where nothing is said: long enough to be seen in a test, and a day for real money. */
const WINDOW_S: Readonly<Record<Mode, number>> = { test: 5, live: 24 * 3_600 };

const optionId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/, 'Must be 1 to 64 letters, digits or one of _ . : -');
const bps = z.int().min(0).max(BPS_MOST);

const opening = z
  .strictObject({
    title: plainText(1, 200),
    type: z.enum(MARKET_TYPES),
    options: z
      .array(z.strictObject({ id: optionId, title: plainText(1, 200) }))
      .min(2)
      .max(OPTIONS_MOST)
      .optional()
      .meta({ description: 'Of a market of type `multi`; a binary one has `yes` and `no`' }),
    currency: currencyField,
    creatorUserId: z.string().nullish(),
    houseFeeBps: bps.default(0),
    creatorFeeBps: bps.default(0),
    feeBase: z.enum(FEE_BASES).default('losing_pool'),
    closesAt: time.nullish(),
    disputeWindowSeconds: z
      .int()
      .min(0)
      .max(WINDOW_MOST_S)
      .optional()
      .meta({
        description: `How long participants may dispute an outcome before it is paid. Without it ${WINDOW_S.test} s with a test key, a day with a live one`,
      }),
  })
  .meta({ id: 'NewMarket' });

type Opening = z.infer<typeof opening>;

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function mustOwnMarket({ pool }: Pick<ApiContext, 'pool'>, tenant: Tenant, id: string): Promise<WholeMarket> {
  const market = await ownMarket(pool, tenant, id);
  if (!market) throw notFound();
  return market;
}

export function marketRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'markets:read');

  return async (app) => {
    app.post(
      '/markets',
      {
        onRequest: [merchantAuth(context, 'markets:write'), flowOn('markets')],
        schema: { querystring: noQuery, body: opening, ...keyed, ...write('Open a market', 201, marketSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('mkt'),
          async execute(marketId) {
            const opened = await openMarket(context, { ...tenant, marketId, ...readOpening(request.body, tenant.mode) });
            if (opened.outcome === 'paused') throw paused();
            if (opened.outcome === 'unknown_creator')
              throw brokenRule([{ pointer: '/creatorUserId', code: 'unknown_user', detail: 'This is no user of yours.' }]);
            return { status: 201, headers: { location: `/api/v1/markets/${marketId}` }, body: presentWhole(opened.market) };
          },
        });
      },
    );

    app.get(
      '/markets',
      {
        onRequest,
        schema: { querystring: z.strictObject(pageQuery), ...read('Markets, newest first', listSchema(marketSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const markets = await listMarkets(pool, tenantOf(merchantOf(request)), { before: page.after, take: page.take });
        return page.answer(markets, ({ id }) => id, presentWhole);
      },
    );

    app.get(
      '/markets/:id',
      {
        onRequest,
        schema: { params: byId, querystring: noQuery, ...read('A market, with what was staked on each option', marketSchema) },
      },
      async (request) => presentWhole(await mustOwnMarket(context, tenantOf(merchantOf(request)), request.params.id)),
    );
  };
}

/** Every fault at once. @throws Problem 400 */
function readOpening(body: Opening, mode: Mode) {
  const { title, type, houseFeeBps, creatorFeeBps, feeBase, creatorUserId = null } = body;
  const errors = [...feeFaults(body), ...optionFaults(body)];
  const { currency } = body;
  if (!isCurrency(currency)) {
    const code = typeof currency === 'string' ? 'unknown_currency' : currency === undefined ? 'missing' : 'invalid_type';
    errors.push({ pointer: '/currency', code, detail: NO_CURRENCY });
    throw invalidRequest(errors);
  }
  if (errors.length > 0) throw invalidRequest(errors);
  const closesAt = readExpiry(body.closesAt, '/closesAt')?.toISOString() ?? null;
  const options = optionsOf(type, body.options);
  const disputeWindowMs = (body.disputeWindowSeconds ?? WINDOW_S[mode]) * 1_000;
  return {
    title, type, options, currency, creatorUserId, houseFeeBps, creatorFeeBps, feeBase, closesAt, disputeWindowMs,
  }; // biome-ignore format: one glance
}

const optionsOf = (type: MarketType, given: Opening['options']) =>
  given ?? (type === 'binary' ? POSITIONS.map((id) => ({ id, title: id === 'yes' ? 'Yes' : 'No' })) : []);

function feeFaults({ houseFeeBps, creatorFeeBps, creatorUserId }: Opening): FieldError[] {
  const faults: FieldError[] = [];
  if (houseFeeBps + creatorFeeBps > BPS_MOST)
    faults.push({ pointer: '/creatorFeeBps', code: 'too_big', detail: `Both fees together must be at most ${BPS_MOST}.` });
  if (creatorFeeBps > 0 && (creatorUserId ?? null) === null)
    faults.push({ pointer: '/creatorUserId', code: 'missing', detail: 'Who gets the creator’s fee must be named.' });
  return faults;
}

function optionFaults({ type, options }: Opening): FieldError[] {
  if (options === undefined)
    return type === 'binary' ? [] : [{ pointer: '/options', code: 'missing', detail: 'Must hold at least 2.' }];
  if (type === 'binary' && (options.length > 2 || POSITIONS.some((position) => !options.some(({ id }) => id === position))))
    return [{ pointer: '/options', code: 'not_binary', detail: 'A binary market has the options yes and no: leave them out.' }];
  const ids = options.map(({ id }) => id);
  return ids.flatMap((id, at) => {
    const pointer = `/options/${at}/id`;
    if (ids.indexOf(id) < at) return [{ pointer, code: 'duplicate', detail: 'There is another option of this id.' }];
    return id === VOID ? [{ pointer, code: 'reserved', detail: 'void is what every market can be resolved as.' }] : [];
  });
}
