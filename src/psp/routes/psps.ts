/** The PSPs that are configured: what we have there, what a payment costs, which banks they pay to. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Amount, amountField, readAmount } from '../../http/amounts.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented } from '../../http/documented.ts';
import { listSchema } from '../../http/paging.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { type FieldError, invalidRequest, notFound, Problem } from '../../http/problem.ts';
import { DIRECTORY } from '../../rules/directory.ts';
import { CURRENCIES, formatMajor } from '../../rules/money.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import type { PspAccount, PspBank } from '../port.ts';
import type { ConfiguredPsp } from '../registry.ts';

const { read } = documented('admin');

/** People wait for the answer, and no money depends on it. */
const ASK_MS = 5_000;

const currencies = Object.keys(CURRENCIES) as [keyof typeof CURRENCIES, ...(keyof typeof CURRENCIES)[]];
const accountQuery = z.strictObject({ currency: z.enum(currencies).default('NGN'), amount: amountField.optional() });
const bankQuery = z.strictObject({
  mode: z.enum(['test', 'live']).default('test'),
  country: z.enum(['NG', 'GH', 'KE', 'UG', 'TZ', 'ZA']).default('NG'),
});

const pspSchema = z.object({
  object: z.literal('psp'),
  name: z.string(),
  mode: z.string(),
  currency: z.string(),
  balance: z.string().nullable().meta({ description: 'What we have there; null where it holds no money of ours' }),
  fee: z.string().nullable().meta({ description: 'What a payment of `amount` would cost us' }),
  unavailable: z.string().nullable().meta({ description: 'Why it could not be asked' }),
});
const bankSchema = z.object({
  object: z.literal('psp_bank'),
  code: z.string(),
  name: z.string(),
  inDirectory: z.boolean().meta({ description: 'Payouts can be asked for to this bank: it is in our directory' }),
});

export function pspRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { psps } = context;
  const onRequest = adminAuth(context, ACTION_ROLES.read);
  return async (app) => {
    app.get(
      '/psps',
      { onRequest, schema: { querystring: accountQuery, ...read('What we have at each PSP', listSchema(pspSchema)) } },
      async (request) => {
        const { currency } = request.query;
        const amount = amountOf(request.query);
        return listOf(await Promise.all(psps.all().map((psp) => presentPsp(psp, currency, amount))));
      },
    );

    app.get(
      '/psps/:id/banks',
      {
        onRequest,
        schema: { params: byId, querystring: bankQuery, ...read('The banks that a PSP pays to', listSchema(bankSchema)) },
      },
      async (request) => {
        const { mode, country } = request.query;
        const account = psps.byName(request.params.id, mode)?.account;
        if (!account) throw notFound();
        const answer = await account.banks(country, AbortSignal.timeout(ASK_MS));
        if ('unavailable' in answer) throw new Problem(503, 'psp_unavailable', `The PSP does not answer: ${answer.unavailable}.`);
        return listOf(answer.banks.map((bank) => presentBank(bank, country)));
      },
    );
  };
}

const listOf = <T>(data: T[]) => ({ object: 'list' as const, data, hasMore: false, nextCursor: null });

/** @throws Problem */
function amountOf(query: { amount?: unknown; currency: string }): Amount | undefined {
  if (query.amount === undefined) return undefined;
  const errors: FieldError[] = [];
  const amount = readAmount(query, errors);
  if (!amount) throw invalidRequest(errors);
  return amount;
}

async function presentPsp({ mode, connector }: ConfiguredPsp, currency: string, amount: Amount | undefined) {
  const { name, account } = connector;
  const asked = account ? await ask(account, currency, amount) : { balance: null, fee: null, unavailable: null };
  return { object: 'psp' as const, name, mode, currency, ...asked };
}

async function ask(account: PspAccount, currency: string, amount: Amount | undefined) {
  const signal = AbortSignal.timeout(ASK_MS);
  const [balance, fee] = await Promise.all([
    account.balance(currency, signal),
    amount && account.fee(amount.minor, currency, signal),
  ]);
  if ('unavailable' in balance) return { balance: null, fee: null, unavailable: balance.unavailable };
  if (fee && 'unavailable' in fee) return { balance: balance.available, fee: null, unavailable: fee.unavailable };
  return { balance: balance.available, fee: fee ? formatMajor(fee.feeMinor, currency) : null, unavailable: null };
}

function presentBank({ code, name }: PspBank, country: string) {
  const inDirectory = DIRECTORY.banks.some((bank) => bank.country === country && bank.code === code);
  return { object: 'psp_bank' as const, code, name, inDirectory };
}
