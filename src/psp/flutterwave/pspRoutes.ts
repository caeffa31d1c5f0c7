/** Flutterwave's API, as far as the simulator plays it: wire.ts tells which calls. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { BANKS } from '../../rules/directory.ts';
import { formatMajor, isCurrency, parseMajor } from '../../rules/money.ts';
import type { Target } from '../simulator/faults.ts';
import { addGate, textIn } from '../simulator/gate.ts';
import { Refusal } from '../simulator/refusal.ts';
import type { Desk } from '../simulator/server.ts';
import type { Script, Transfer, TransferOrder, TransferStatus } from '../simulator/transfer.ts';
import { feeOf, isBlacklisted, needsApproval, ownerOf, scriptOf, TEXTS, type Times } from './scenarios.ts';
import { balanceOf, balances, requiresApproval } from './wallet.ts';
import * as wire from './wire.ts';

/** Whom Flutterwave pays. */
export interface Account {
  readonly bankCode: string;
  readonly accountNumber: string;
  readonly name: string;
}

export const PREFIX = '/v3';
/** To a request whose payee its name enquiry does not find at this moment. */
const REFUSED_NAME = 'Unable to obtain user details';
const PAGE = 10;
const COUNTRIES: ReadonlySet<string> = new Set(['NG', 'GH', 'KE', 'UG', 'TZ', 'ZA']);

export function pspRoutes(
  app: FastifyInstance,
  desk: Desk<Account>,
  { secretKey, times }: { secretKey: string; times: Times },
): void {
  const { pool, book, expect } = desk;
  const words = { refusesResendWith: REFUSED_NAME, returnReason: TEXTS.returned };
  const gate = addGate(app, { pool, book, apiKey: secretKey, prefix: PREFIX, targetOf, ...words });

  async function targetOf(request: FastifyRequest): Promise<Target> {
    const path = (request.url.split('?')[0] ?? '').slice(PREFIX.length);
    if (request.method === 'POST' && path === '/transfers') {
      const [reference, accountNumber, amount] = ['reference', 'account_number', 'amount'].map((name) =>
        textIn(request.body, name),
      );
      return { type: 'ask', reference: reference ?? null, accountNumber: accountNumber ?? null, amount: amount ?? null };
    }
    const { id } = request.params as { id?: string };
    const reference = textIn(request.query, 'reference');
    const found = id === undefined ? reference && (await book.find('reference', reference)) : await book.find('seq', id);
    if (!found) return { type: 'other', reference, accountNumber: textIn(request.body, 'account_number'), amount: null };
    const { accountNumber } = found.destination;
    const type = path.endsWith('/retries') ? 'other' : 'lookUp'; // those are other transfers
    return { type, reference: found.reference, accountNumber, amount: found.amount };
  }

  /** What is to become of it, and whether somebody in the dashboard must allow it first. */
  async function scriptFor(order: TransferOrder<Account>): Promise<Script> {
    const { accountNumber } = order.destination;
    const script = scriptOf(accountNumber, order.reference, times);
    const waits = needsApproval(accountNumber) || (await requiresApproval(pool));
    return waits ? { ...script, status: 'held', later: [] } : script;
  }

  async function accept(request: FastifyRequest, order: TransferOrder<Account>) {
    const script = gate.fate(request, await scriptFor(order));
    const fee = feeOf(parseMajor(order.amount, order.currency) ?? 0n, order.currency);
    const acceptance = await book.accept(order, { script, fee, amountFault: gate.amountFault(request) });
    if (acceptance.outcome === 'new') expect(script.later[0]?.afterMs ?? 0);
    return { script, acceptance };
  }

  app.post('/transfers', async (request, reply) => {
    const order = orderOf(readFields(wire.transferRequest, request.body));
    const { script, acceptance } = await accept(request, order);
    const isNew = acceptance.outcome === 'new';
    if (await gate.isSpoilt(request, reply, script.answers || !isNew)) return reply;
    // Also for the same transfer again: it has no idempotent repeat.
    if (!isNew) throw new Refusal(400, 'duplicate', `Transfer with reference ${order.reference} already exists`);
    return success('Transfer Queued Successfully', shown(acceptance.transfer));
  });

  app.get('/transfers', async (request) => {
    const { page, status, from, to, reference } = readFields(wire.listQuery, request.query);
    const { transfers, total } = await book.search({
      reference: reference ?? null,
      prefix: null,
      statuses: status === undefined ? null : statusesOf(status),
      from: from ?? null,
      to: to === undefined ? null : `${to}T23:59:59.999Z`,
      limit: PAGE,
      offset: (page - 1) * PAGE,
    });
    const told = transfers.flatMap((each) => gate.told(request, each) ?? []);
    const toldOf = total - (transfers.length - told.length);
    const meta = { page_info: { total: toldOf, current_page: page, total_pages: Math.ceil(toldOf / PAGE) } };
    return { ...success('Transfers fetched', told.map(shown)), meta };
  });

  app.get('/transfers/fee', async (request) => {
    const { amount, currency } = readFields(wire.feeQuery, request.query);
    const fee = asNumber(feeOf(parseMajor(amount, currency) ?? 0n, currency));
    return success('Transfer fee fetched', [{ currency, fee_type: 'value', fee }]);
  });

  app.get<{ Params: { id: string } }>('/transfers/:id', async (request) => {
    const found = gate.told(request, await transferBy(request.params.id)) ?? noTransfer();
    return success('Transfer fetched', { ...shown(found), approver: null });
  });

  app.post<{ Params: { id: string } }>('/transfers/:id/retries', async (request, reply) => {
    const failed = await transferBy(request.params.id);
    if (failed.status !== 'failed' || failed.reason === TEXTS.shortOfFunds) {
      throw new Refusal(400, 'not_retriable', 'Transfer cannot be retried');
    }
    const { total } = await retriesOf(failed);
    const { amount, currency, destination, narration } = failed;
    const order = { reference: `${failed.reference}_RETRY_${total + 1}`, amount, currency, destination, narration };
    const { acceptance } = await accept(request, order);
    if (acceptance.outcome !== 'new') throw new Refusal(400, 'not_retriable', 'Transfer is being retried');
    return reply.send(success('Transfer retry attempt queued.', shown(acceptance.transfer)));
  });

  app.get<{ Params: { id: string } }>('/transfers/:id/retries', async ({ params }) => {
    const { transfers } = await retriesOf(await transferBy(params.id));
    return success('Transfer retry attempts retrieved.', transfers.map(shown));
  });

  app.get<{ Params: { country: string } }>('/banks/:country', async ({ params: { country } }) => {
    if (!COUNTRIES.has(country)) throw new Refusal(400, 'invalid_request', 'country is invalid');
    const banks = BANKS.filter((bank) => bank.country === country);
    return success(
      'Banks fetched successfully',
      banks.map(({ code, name }, index) => ({ id: index + 1, code, name })),
    );
  });

  app.post('/accounts/resolve', async (request) => {
    const { account_number } = readFields(wire.resolveRequest, request.body);
    const account_name = ownerOf(account_number);
    if (account_name === undefined)
      throw new Refusal(400, 'invalid_request', 'Sorry, that account number is invalid, please check and try again');
    return success('Account details fetched', { account_number, account_name });
  });

  app.get('/balances', async () => success('Wallet balances fetched', (await balances(pool)).map(wallet)));

  app.get<{ Params: { currency: string } }>('/balances/:currency', async ({ params: { currency } }) => {
    if (!/^[A-Z]{3}$/.test(currency)) throw new Refusal(400, 'invalid_request', 'currency is invalid');
    return success('Wallet balance fetched', wallet({ currency, available: await balanceOf(pool, currency) }));
  });

  async function transferBy(id: string): Promise<Transfer<Account>> {
    return (await book.find('seq', id)) ?? noTransfer();
  }

  const retriesOf = ({ reference }: Transfer<Account>) =>
    book.search({ reference: null, prefix: `${reference}_RETRY_`, statuses: null, from: null, to: null, limit: 100, offset: 0 });
}

function noTransfer(): never {
  throw new Refusal(404, 'not_found', 'Transfer not found');
}

/** @throws Refusal for what Flutterwave does not pay */
function orderOf(request: z.output<typeof wire.transferRequest>): TransferOrder<Account> {
  const { account_bank: bankCode, account_number: accountNumber, currency } = request;
  if (!isCurrency(currency)) throw new Refusal(400, 'invalid_request', 'currency is invalid');
  const amountMinor = parseMajor(request.amount, currency);
  if (amountMinor === undefined) throw new Refusal(400, 'invalid_request', 'amount is invalid');
  const isBank = currency !== 'NGN' || BANKS.some(({ country, code }) => country === 'NG' && code === bankCode);
  if (!isBank) throw new Refusal(400, 'invalid_request', 'account_bank is invalid');
  if (isBlacklisted(bankCode, accountNumber)) {
    throw new Refusal(400, 'invalid_request', 'Payout was made to a blacklisted account number');
  }
  if (currency !== 'NGN' && !request.beneficiary_name) {
    throw new Refusal(400, 'invalid_request', 'beneficiary_name is required');
  }
  const name = request.beneficiary_name ?? ownerOf(accountNumber) ?? 'N/A';
  const reference = request.reference ?? `flw_${randomUUID()}`;
  const amount = formatMajor(amountMinor, currency);
  return { reference, amount, currency, destination: { bankCode, accountNumber, name }, narration: request.narration ?? null };
}

/** @throws Refusal that names the first field that is wrong, as Flutterwave does */
function readFields<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const field = String(result.error.issues[0]?.path[0] ?? 'body');
  throw new Refusal(400, 'invalid_request', `${field} is ${textIn(value, field) === null ? 'required' : 'invalid'}`);
}

const success = (message: string, data: unknown) => ({ status: 'success', message, data });

const STATUS: Readonly<Record<TransferStatus, wire.Status>> = {
  queued: 'NEW',
  held: 'NEW',
  processing: 'PENDING',
  paid: 'SUCCESSFUL',
  failed: 'FAILED',
  returned: 'FAILED',
};

const statusesOf = (wanted: wire.Status): TransferStatus[] =>
  (Object.keys(STATUS) as TransferStatus[]).filter((status) => STATUS[status] === wanted);

/** A transfer as replies and callbacks have it, the account holder's name apart: they call that differently. */
export function fieldsOf(transfer: Transfer<Account>, status: TransferStatus = transfer.status) {
  const { seq, amount, currency, fee, destination, reference, narration, reason, createdAt } = transfer;
  const bank = BANKS.find(({ country, code }) => country === 'NG' && code === destination.bankCode);
  const told = status === transfer.status ? reason : TEXTS.temporary;
  return {
    id: Number.parseInt(seq, 10),
    account_number: destination.accountNumber,
    bank_code: destination.bankCode,
    created_at: createdAt,
    currency,
    debit_currency: currency,
    amount: asNumber(amount),
    fee: asNumber(fee),
    status: STATUS[status],
    reference,
    meta: null,
    narration,
    complete_message: status === 'paid' ? 'Transaction was successful' : STATUS[status] === 'FAILED' ? (told ?? '') : '',
    requires_approval: status === 'held' ? 1 : 0,
    is_approved: status === 'held' ? 0 : 1,
    bank_name: bank?.name.toUpperCase() ?? 'N/A',
  };
}

const shown = (transfer: Transfer<Account>) => ({ full_name: transfer.destination.name, ...fieldsOf(transfer) });

const wallet = ({ currency, available }: { currency: string; available: string }) => ({
  currency,
  available_balance: asNumber(available),
  ledger_balance: asNumber(available),
});

/** The quirk itself: its JSON has numbers for money. Exact for what a transfer can be. */
const asNumber = (decimal: string): number => Number.parseFloat(decimal);
