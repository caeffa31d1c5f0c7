/** Where payouts can go, and whether an account is there. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { idempotencyHeaders, KEY_NEEDED, readAnswers, writeAnswers } from '../../http/answers.ts';
import { type MerchantCaller, merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { type FieldError, invalidRequest, Problem, unavailable } from '../../http/problem.ts';
import type { Destination } from '../../payouts/rules/contract.ts';
import type { AccountCheck } from '../../psp/port.ts';
import { titleMatch } from '../../rules/accountTitle.ts';
import { type DestinationError, type DestinationFault, parseDestination } from '../../rules/destination.ts';
import { DIRECTORY } from '../../rules/directory.ts';
import { newId } from '../../rules/newId.ts';
import { TEXT_FAULTS, textFault } from '../../rules/text.ts';

const placeFields = { code: z.string(), name: z.string(), country: z.string(), currency: z.string() };
const directorySchema = z
  .object({
    object: z.literal('directory'),
    banks: z.array(z.object({ ...placeFields, ibanCode: z.string().nullable(), bic: z.string().nullable() })),
    wallets: z.array(z.object(placeFields)),
  })
  .meta({ id: 'Directory' });

const COUNTRIES = [...new Set([...DIRECTORY.banks, ...DIRECTORY.wallets].map(({ country }) => country))];

const verdictSchema = z
  .object({
    valid: z.boolean(),
    accountTitle: z.string().nullable(),
    titleMatch: z.enum(['full', 'partial', 'none']).nullable(),
    checks: z.array(z.object({ name: z.string(), passed: z.boolean(), detail: z.string().nullable() })),
  })
  .meta({ id: 'AccountVerdict' });

/** As in a payout's destination; its rules stand in src/rules/destination.ts. */
const verifyBody = z
  .strictObject({
    type: z.unknown().meta({ enum: ['bank', 'wallet'] }),
    bankCode: z.unknown().meta({ type: 'string' }).optional(),
    walletCode: z.unknown().meta({ type: 'string' }).optional(),
    accountNumber: z.unknown().meta({ type: 'string' }).optional(),
    iban: z.unknown().meta({ type: 'string' }).optional(),
    accountTitle: z.unknown().meta({ type: 'string', maxLength: 100 }).optional(),
  })
  .meta({ id: 'AccountToVerify' });

/** A PSP's name enquiry takes a second or two; a client does not wait for a slow one. */
const ENQUIRY_MS = 8_000;

export function directoryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/directory',
      {
        onRequest: merchantAuth(context, 'directory:read'),
        schema: {
          operationId: 'getDirectory',
          summary: 'The banks and wallets that payouts can go to',
          tags: ['directory'],
          security: KEY_NEEDED,
          querystring: z.strictObject({
            country: z
              .string()
              .refine((country) => COUNTRIES.includes(country), `Must be of ${COUNTRIES.join(', ')}.`)
              .optional()
              .meta({ enum: COUNTRIES }),
          }),
          response: readAnswers({ 200: directorySchema }),
        },
      },
      async (request) => {
        const { country } = request.query;
        const isAsked = (place: { readonly country: string }) => country === undefined || place.country === country;
        return { object: 'directory', banks: DIRECTORY.banks.filter(isAsked), wallets: DIRECTORY.wallets.filter(isAsked) };
      },
    );

    app.post(
      '/verify-account',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'verifyAccount',
          summary: 'Is there such an account, and whose is it?',
          tags: ['directory'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          body: verifyBody,
          response: writeAnswers({ 200: verdictSchema.describe('Also of a wrong account: `valid` is false') }),
        },
      },
      async (request, reply) => {
        return await once(context, request, reply, {
          allot: () => newId('req'),
          execute: async () => ({ status: 200, body: await verify(context, merchantOf(request), request.body) }),
        });
      },
    );
  };
}

async function verify(context: ApiContext, caller: MerchantCaller, body: z.infer<typeof verifyBody>) {
  const parsed = parseDestination(body, null, DIRECTORY, '');
  const unreadable = parsed.ok ? [] : parsed.errors.filter(({ code }) => !(code in FAILED_CHECK));
  const faults = [...unreadable, ...brokenTexts(body)];
  if (faults.length > 0) throw invalidRequest(faults);
  if (!parsed.ok) return refusedVerdict(parsed.errors);
  const { destination, currency } = parsed;
  return verdictOf(await enquire(context, caller, destination, currency), destination, body.accountTitle);
}

/** Faults that make an account a wrong one, and the check that each fails. Any other fault is in the request. */
const FAILED_CHECK: Partial<Record<DestinationFault, 'format' | 'directory' | 'iban'>> = {
  invalid_account_number: 'format',
  unknown_bank: 'directory',
  unknown_wallet: 'directory',
  invalid_iban: 'iban',
  iban_country_not_supported: 'iban',
  iban_bank_mismatch: 'iban',
  iban_account_mismatch: 'iban',
};

/** A control character or half a character is a fault of the request, as everywhere: no account to give a verdict on. */
function brokenTexts({ bankCode, walletCode, accountNumber, iban }: z.infer<typeof verifyBody>): FieldError[] {
  return Object.entries({ bankCode, walletCode, accountNumber, iban }).flatMap(([field, text]) => {
    const code = typeof text === 'string' ? textFault(text) : undefined;
    return code ? [{ pointer: `/${field}`, code, detail: TEXT_FAULTS[code] }] : [];
  });
}

const check = (name: string, passed: boolean, detail: string | null) => ({ name, passed, detail });

function refusedVerdict(errors: readonly DestinationError[]) {
  const checks = errors.map(({ code, detail }) => check(FAILED_CHECK[code] ?? 'format', false, detail));
  return { valid: false, accountTitle: null, titleMatch: null, checks };
}

function verdictOf({ valid, accountTitle, detail }: AccountCheck, destination: Destination, asked: unknown) {
  const isIban = destination.type === 'bank' && destination.iban !== null;
  return {
    valid,
    accountTitle,
    titleMatch: typeof asked === 'string' && accountTitle !== null ? titleMatch(asked, accountTitle) : null,
    checks: [
      check('format', true, null),
      check('directory', true, null),
      ...(isIban ? [check('iban', true, null)] : []),
      check('account', valid, detail),
    ],
  };
}

async function enquire(
  { psps }: ApiContext,
  { mode }: MerchantCaller,
  destination: Destination,
  currency: string,
): Promise<AccountCheck> {
  const psp = psps.forPayout({ mode, currency, kind: 'merchant' });
  if (!psp) throw new Problem(422, 'psp_not_configured', `No payment provider is configured for ${currency} in ${mode} mode.`);
  const answer = await psp.verifyAccount(destination, AbortSignal.timeout(ENQUIRY_MS));
  if ('unavailable' in answer) throw unavailable('The payment provider');
  return answer;
}
