/**
 * The port, spoken to Flutterwave's v3 transfers. What is not provably paid, accepted, failed or not taken is `unknown`:
 * only a later look-up or callback may say more. A failed attempt is never retried at Flutterwave: the next one has a
 * reference of its own. But somebody may do so in its dashboard, so a look-up of a failed transfer asks for its retries.
 */
import type { z } from 'zod';
import type { Mode } from '../../payouts/rules/contract.ts';
import { formatMajor } from '../../rules/money.ts';
import { type Exchange, isSuccess, openLine } from '../exchange.ts';
import { narrationOf } from '../narration.ts';
import type { PspAccount, PspConnector, PspOrder, PspReply, Unavailable } from '../port.ts';
import { decimalText, feeMinorOf, withAmount } from './amounts.ts';
import { parseCallback } from './callback.ts';
import { failureOf, isOurSetup, refusalOf } from './failures.ts';
import { accountOf, pspRefOf, replyTo, transferIdOf } from './reply.ts';
import * as wire from './wire.ts';

export interface FlutterwaveConnectorOptions {
  readonly mode: Mode;
  /** With `/v3`. */
  readonly baseUrl: string;
  readonly secretKey: string;
  readonly webhookHash: string;
  /** Behind every reference: `_PMCK…` tells Flutterwave's test mode what to play. */
  readonly referenceSuffix: string;
  /** For one exchange as a whole; afterwards its outcome counts as unknown. Flutterwave's own gateway gives up after 28 s. */
  readonly timeoutMs: number;
}

export interface FlutterwaveConnector extends PspConnector {
  readonly account: PspAccount;
  close(): Promise<void>;
}

/** Connects to one Flutterwave account, of test or of live money. `close` lets its connections go. */
export function createFlutterwaveConnector(options: FlutterwaveConnectorOptions): FlutterwaveConnector {
  const { mode, referenceSuffix, webhookHash } = options;
  const line = openLine({ baseUrl: options.baseUrl, apiKey: options.secretKey, timeoutMs: options.timeoutMs });
  const get = async (path: string, signal: AbortSignal) => read(await line.ask({ method: 'GET', path }, signal));

  /** Undefined: it is not to be found so. */
  async function byId({ pspRef }: PspOrder, signal: AbortSignal): Promise<Found | PspReply | undefined> {
    if (pspRef === null) return undefined;
    const answer = await get(`/transfers/${transferIdOf(mode, pspRef)}`, signal);
    if (answer.kind === 'unclear') return unknown(answer.reason);
    if (answer.kind === 'error') return undefined;
    const transfer = wire.transfer.safeParse(answer.data);
    return transfer.success ? { transfer: transfer.data, isAll: false } : unknown('unreadable answer');
  }

  /** What cannot be read may be another transfer of ours, alive or paid: then nothing else that is listed proves anything. */
  async function byReference(order: PspOrder, signal: AbortSignal): Promise<Found | PspReply> {
    const reference = order.reference + referenceSuffix;
    const answer = await get(`/transfers?reference=${encodeURIComponent(reference)}`, signal);
    if (answer.kind !== 'success') return unknown(answer.reason);
    const listed = wire.transfers.safeParse(answer.data);
    if (!listed.success) return unknown('unreadable answer');
    const [transfer, ...more] = listed.data.filter((each) => each.reference === reference);
    if (transfer && more.length > 0) return several(transfer);
    if (transfer) return { transfer, isAll: answer.pages <= 1 };
    // A list of others means that it was not asked for ours; and what it has taken once cannot be unknown to it.
    if (listed.data.length > 0) return unknown('the list is not of our reference');
    return order.pspRef === null ? { kind: 'not_found' } : unknown('it was known before');
  }

  const several = (transfer: wire.Transfer): PspReply => ({
    kind: 'mismatch',
    pspRef: pspRefOf(mode, transfer),
    detail: 'several transfers under one reference',
  });

  /** What became of a transfer that has failed: nobody sent it again, or somebody did. */
  async function withRetries(order: PspOrder, failed: wire.Transfer, signal: AbortSignal): Promise<PspReply> {
    const answer = await get(`/transfers/${failed.id}/retries`, signal);
    if (answer.kind === 'unclear' || (answer.kind === 'error' && isOurs(answer))) return unknown(answer.reason);
    if (answer.kind === 'error') return replyTo(order, failed, mode); // there are none
    const retries = wire.transfers.safeParse(answer.data);
    if (!retries.success) return unknown('unreadable answer');
    const paid = retries.data.find(({ status }) => status === 'SUCCESSFUL');
    const open = retries.data.find(({ status }) => status !== 'FAILED');
    const reply = replyTo(order, paid ?? open ?? failed, mode);
    // Under the first one's id, so that the next look-up comes here again.
    return reply.kind === 'accepted' ? { ...reply, pspRef: pspRefOf(mode, failed) } : reply;
  }

  return {
    name: 'flutterwave',

    async submit(order, signal) {
      const exchange = await line.ask({ method: 'POST', path: '/transfers', body: requestOf(order, referenceSuffix) }, signal);
      if (exchange.kind === 'not_sent') return { kind: 'not_taken', reason: exchange.reason, retryAfterMs: null };
      // A rate limiter stands before the PSP and need not speak its words.
      if (exchange.kind === 'answered' && exchange.status === 429) {
        return { kind: 'not_taken', reason: 'rate_limited', retryAfterMs: exchange.retryAfterMs };
      }
      const answer = read(exchange);
      if (answer.kind === 'unclear') return unknown(answer.reason);
      if (answer.kind === 'error') return refused(answer);
      const transfer = wire.transfer.safeParse(answer.data);
      return transfer.success ? replyTo(order, transfer.data, mode) : unknown('unreadable answer');
    },

    async lookUp(order, signal) {
      const known = await byId(order, signal);
      const found = known ?? (await byReference(order, signal));
      if (!('transfer' in found)) return found;
      const reply = replyTo(order, found.transfer, mode);
      if (reply.kind !== 'failed' && reply.kind !== 'returned') return reply;
      // That one is dead; a request that was sent twice may have made another under the same reference.
      const listed = known === undefined ? found : await byReference(order, signal);
      if (!('transfer' in listed)) return listed;
      if (listed.transfer.id !== found.transfer.id) return several(found.transfer);
      return listed.isAll ? await withRetries(order, found.transfer, signal) : unknown('the list has more pages');
    },

    parseCallback: (rawBody, headers) => parseCallback(rawBody, headers[wire.HASH_HEADER], webhookHash),

    async verifyAccount(destination, signal) {
      const body = JSON.stringify(accountOf(destination));
      const answer = read(await line.ask({ method: 'POST', path: '/accounts/resolve', body }, signal));
      if (answer.kind === 'unclear') return { unavailable: answer.reason };
      if (answer.kind === 'error') return isOurs(answer) ? { unavailable: answer.reason } : notPayable(answer.message);
      const account = wire.resolvedAccount.safeParse(answer.data);
      return account.success
        ? { valid: true, accountTitle: account.data.account_name, detail: null }
        : { unavailable: 'unreadable answer' };
    },

    account: {
      async banks(country, signal) {
        const found = dataOf(wire.banks, await get(`/banks/${encodeURIComponent(country)}`, signal));
        return 'unavailable' in found ? found : { banks: found.data };
      },

      async fee(amountMinor, currency, signal) {
        const query = new URLSearchParams({ amount: formatMajor(amountMinor, currency), currency, type: 'account' });
        const found = dataOf(wire.fees, await get(`/transfers/fee?${query}`, signal));
        if ('unavailable' in found) return found;
        const listed = found.data.find((each) => each.currency === currency);
        const feeMinor = listed && feeMinorOf(listed.fee, currency);
        return feeMinor === undefined ? { unavailable: 'unreadable answer' } : { feeMinor };
      },

      async balance(currency, signal) {
        const found = dataOf(wire.balance, await get(`/balances/${encodeURIComponent(currency)}`, signal));
        return 'unavailable' in found ? found : { available: decimalText(found.data.available_balance) };
      },
    },

    close: line.close,
  };
}

interface Found {
  readonly transfer: wire.Transfer;
  /** It is known to be the only one under our reference. */
  readonly isAll: boolean;
}

/** An answer by what it proves. Whatever the words, 5xx proves nothing: 503 comes after 28 s, with the money taken or not. */
type Answer =
  | { readonly kind: 'success'; readonly data: unknown; readonly pages: number }
  | { readonly kind: 'error'; readonly status: number; readonly message: string; readonly reason: string }
  | { readonly kind: 'unclear'; readonly reason: string };

function read(exchange: Exchange): Answer {
  if (exchange.kind !== 'answered') return { kind: 'unclear', reason: exchange.reason };
  const { status, body } = exchange;
  const reason = `HTTP ${status}`;
  const { data: envelope } = wire.envelope.safeParse(body);
  const isRefusal = status >= 400 && status <= 499 && status !== 429;
  if (!envelope) return { kind: 'unclear', reason: isSuccess(status) ? 'unreadable answer' : reason };
  if (envelope.status === 'success' && isSuccess(status)) {
    return { kind: 'success', data: envelope.data, pages: envelope.meta?.page_info?.total_pages ?? 1 };
  }
  // Its errors come with 200, too.
  if (envelope.status === 'error' && (isRefusal || isSuccess(status))) {
    return { kind: 'error', status, message: envelope.message, reason };
  }
  return { kind: 'unclear', reason };
}

type Refused = Extract<Answer, { kind: 'error' }>;

const isOurs = ({ status, message }: Refused): boolean => status === 401 || status === 403 || isOurSetup(message);

/** What a refused request proves. */
function refused(answer: Refused): PspReply {
  if (isOurs(answer)) return { kind: 'not_taken', reason: 'unauthorized', retryAfterMs: null };
  const failure = refusalOf(answer.message);
  return failure ? { kind: 'failed', pspRef: null, failure } : unknown(`${answer.reason}, for a reason that proves nothing`);
}

function dataOf<T extends z.ZodType>(schema: T, answer: Answer): { readonly data: z.output<T> } | Unavailable {
  if (answer.kind !== 'success') return { unavailable: answer.reason };
  const read = schema.safeParse(answer.data);
  return read.success ? { data: read.data } : { unavailable: 'unreadable answer' };
}

function requestOf(order: PspOrder, referenceSuffix: string): string {
  const { reference, amountMinor, currency, destination, description } = order;
  const narration = narrationOf(description, wire.NARRATION_MAX);
  const fields = {
    ...accountOf(destination),
    currency,
    reference: reference + referenceSuffix,
    ...(destination.accountTitle === null ? {} : { beneficiary_name: destination.accountTitle }),
    ...(narration === null ? {} : { narration }),
  };
  return withAmount(fields, amountMinor, currency);
}

const unknown = (reason: string): PspReply => ({ kind: 'unknown', reason });

const notPayable = (message: string) => ({ valid: false, accountTitle: null, detail: failureOf(message).code });
