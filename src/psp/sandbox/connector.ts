/**
 * The port, spoken to the sandbox PSP. What is not provably paid, accepted, failed or not taken is `unknown`: only a
 * later look-up or callback may say more.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { formatMajor, parseMajor } from '../../rules/money.ts';
import { type Exchange, isSuccess, openLine } from '../exchange.ts';
import { narrationOf } from '../narration.ts';
import type { AccountCheck, PspCallback, PspConnector, PspDestination, PspFailure, PspOrder, PspReply } from '../port.ts';
import type { TransferStatus } from '../simulator/transfer.ts';
import * as wire from './wire.ts';

export interface SandboxConnectorOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly webhookSecret: string;
  /** For one exchange as a whole; afterwards its outcome counts as unknown. */
  readonly timeoutMs: number;
}

/** Why a transfer failed: the PSP's word, our class and code. The code is the PSP's word unless it would mislead. */
const FAILURES: ReadonlyMap<string, PspFailure> = new Map([
  ['bank_unavailable', { class: 'B', code: 'bank_unavailable', message: 'The bank cannot be reached at the moment.' }],
  ['declined_by_bank', { class: 'F', code: 'declined_by_bank', message: 'The bank declined the payment.' }],
  ['no_account', { class: 'E', code: 'no_account', message: 'There is no such account.' }],
  ['account_closed', { class: 'F', code: 'account_closed', message: 'The account is closed.' }],
  ['account_frozen', { class: 'F', code: 'account_frozen', message: 'The account is frozen.' }],
]);
/** Certain, but for a reason we do not know: trying again on our own could not be justified. */
const OTHER_FAILURE: PspFailure = { class: 'F', code: 'declined_by_psp', message: 'The payment provider declined the payment.' };

/** What the PSP's words for a transfer mean. */
const REPLY_OF: Readonly<Record<TransferStatus, (transfer: wire.Transfer) => PspReply>> = {
  queued: ({ id, reason }) => ({ kind: 'accepted', stage: 'queued', pspRef: id, reason }),
  held: ({ id, reason }) => ({ kind: 'accepted', stage: 'held', pspRef: id, reason }),
  processing: ({ id, reason }) => ({ kind: 'accepted', stage: 'processing', pspRef: id, reason }),
  paid: ({ id }) => ({ kind: 'paid', pspRef: id }),
  failed: ({ id, reason }) => ({ kind: 'failed', pspRef: id, failure: FAILURES.get(reason ?? '') ?? OTHER_FAILURE }),
  returned: ({ id, reason }) => ({ kind: 'returned', pspRef: id, reason: reason ?? 'returned' }),
};

/** What a refusal of a submission proves. A refusal that is not in the PSP's own words proves nothing: it may be a proxy's. */
const REFUSAL_OF: Readonly<Record<wire.ErrorCode, (retryAfterMs: number | null) => PspReply>> = {
  invalid_request: () => ({
    kind: 'failed',
    pspRef: null,
    failure: { class: 'A', code: 'invalid_request', message: 'The payment provider refused the request as invalid.' },
  }),
  // Our key or address is set wrong. The payout is not at fault and keeps until an operator has mended it.
  unauthorized: (retryAfterMs) => ({ kind: 'not_taken', reason: 'unauthorized', retryAfterMs }),
  rate_limited: (retryAfterMs) => ({ kind: 'not_taken', reason: 'rate_limited', retryAfterMs }),
  // Class H: something was accepted under this reference; the look-up shows what.
  reference_reused: () => ({ kind: 'unknown', reason: 'reference_reused' }),
  not_found: () => ({ kind: 'unknown', reason: 'not_found' }),
  internal_error: () => ({ kind: 'unknown', reason: 'internal_error' }),
};

/** The status that each refusal in the PSP's words comes with; another one is not the PSP speaking. */
const STATUS_OF_REFUSAL: Readonly<Partial<Record<wire.ErrorCode, readonly number[]>>> = {
  invalid_request: [400, 413, 415, 422],
  unauthorized: [401, 403],
  reference_reused: [409],
  not_found: [404],
};

/** A connector to one sandbox. `close` lets its connections go. */
export function createSandboxConnector(options: SandboxConnectorOptions): PspConnector & { close(): Promise<void> } {
  const line = openLine(options);
  return {
    name: 'sandbox',

    async submit(order, signal) {
      const exchange = await line.ask({ method: 'POST', path: '/transfers', body: JSON.stringify(requestOf(order)) }, signal);
      if (exchange.kind === 'not_sent') return { kind: 'not_taken', reason: exchange.reason, retryAfterMs: null };
      if (exchange.kind === 'lost') return { kind: 'unknown', reason: exchange.reason };
      const { status, retryAfterMs } = exchange;
      if (isSuccess(status)) return replyTo(order, exchange.body);
      // A rate limiter stands before the PSP and need not speak its words.
      if (status === 429) return REFUSAL_OF.rate_limited(retryAfterMs);
      const code = refusalIn(exchange);
      return code ? REFUSAL_OF[code](retryAfterMs) : { kind: 'unknown', reason: `HTTP ${status}` };
    },

    async lookUp(order, signal) {
      const path = `/transfers/by-reference/${encodeURIComponent(order.reference)}`;
      const exchange = await line.ask({ method: 'GET', path }, signal);
      // Not even "not sent" proves anything here: it is the look-up that was not sent.
      if (exchange.kind !== 'answered') return { kind: 'unknown', reason: exchange.reason };
      if (isSuccess(exchange.status)) return replyTo(order, exchange.body);
      const isUnheardOf = refusalIn(exchange) === 'not_found';
      return isUnheardOf ? { kind: 'not_found' } : { kind: 'unknown', reason: `HTTP ${exchange.status}` };
    },

    parseCallback: (rawBody, headers) => parseCallback(rawBody, headers[wire.SIGNATURE_HEADER], options.webhookSecret),

    async verifyAccount(destination, signal) {
      const body: wire.VerifyRequest = { destination: wireDestination(destination) };
      const exchange = await line.ask({ method: 'POST', path: '/accounts/verify', body: JSON.stringify(body) }, signal);
      if (exchange.kind !== 'answered') return { unavailable: exchange.reason };
      const verdict = isSuccess(exchange.status) ? wire.verifyReply.safeParse(exchange.body) : undefined;
      if (verdict?.success) return accountCheck(verdict.data);
      if (refusalIn(exchange) === 'invalid_request') return { valid: false, accountTitle: null, detail: 'invalid_account' };
      return { unavailable: `HTTP ${exchange.status}` };
    },

    close: line.close,
  };
}

function requestOf(order: PspOrder): wire.TransferRequest {
  const { reference, amountMinor, currency, destination, description } = order;
  return {
    reference,
    amount: formatMajor(amountMinor, currency),
    currency,
    destination: wireDestination(destination),
    narration: narrationOf(description, wire.NARRATION_MAX),
  };
}

function wireDestination(destination: PspDestination): wire.WireDestination {
  const { accountNumber, accountTitle } = destination;
  return destination.type === 'bank'
    ? { type: 'bank', bankCode: destination.bankCode, accountNumber, accountTitle }
    : { type: 'wallet', walletCode: destination.walletCode, accountNumber, accountTitle };
}

/** The PSP's word for this transfer, once it is certain that it is this transfer. */
function replyTo(order: PspOrder, body: unknown): PspReply {
  const read = wire.transfer.safeParse(body);
  if (!read.success) return { kind: 'unknown', reason: 'unreadable answer' };
  const transfer = read.data;
  const different = differences(order, transfer);
  if (different.length > 0) return { kind: 'mismatch', pspRef: transfer.id, detail: `differs in ${different.join(', ')}` };
  return REPLY_OF[transfer.status](transfer);
}

/** Names the fields, not their values: an account number has no business in a timeline. */
function differences(order: PspOrder, transfer: wire.Transfer): string[] {
  const ours = wireDestination(order.destination);
  const theirs = transfer.destination;
  const institution = (destination: wire.WireDestination) =>
    destination.type === 'bank' ? destination.bankCode : destination.walletCode;
  const checks: readonly [string, boolean][] = [
    ['reference', transfer.reference === order.reference],
    ['amount', parseMajor(transfer.amount, order.currency) === order.amountMinor],
    ['currency', transfer.currency === order.currency],
    [
      'account',
      theirs.type === ours.type && institution(theirs) === institution(ours) && theirs.accountNumber === ours.accountNumber,
    ],
  ];
  return checks.filter(([, same]) => !same).map(([field]) => field);
}

function refusalIn(exchange: Extract<Exchange, { kind: 'answered' }>): wire.ErrorCode | undefined {
  const read = wire.errorReply.safeParse(exchange.body);
  if (!read.success) return undefined;
  const { code } = read.data.error;
  return STATUS_OF_REFUSAL[code]?.includes(exchange.status) ? code : undefined;
}

/** A name enquiry's reasons are the failures that a payment would meet. */
function accountCheck({ valid, accountTitle, reason }: wire.VerifyReply): AccountCheck {
  return { valid, accountTitle, detail: reason === null ? null : (FAILURES.get(reason)?.code ?? 'not_payable') };
}

/** Whoever knows the secret may say anything; whoever does not is not even read. */
function parseCallback(rawBody: Buffer, header: string | string[] | undefined, secret: string): PspCallback | undefined {
  // Two signatures are one too many, whichever of them is right.
  const given = Array.isArray(header) ? (header.length === 1 ? header[0] : undefined) : header;
  if (given === undefined || !/^sha256=[0-9a-f]{64}$/i.test(given)) return undefined;
  const wanted = Buffer.from(wire.signature(rawBody, secret));
  if (!timingSafeEqual(Buffer.from(given.toLowerCase()), wanted)) return undefined;
  const read = wire.callback.safeParse(parsedJson(rawBody));
  if (read.success) {
    const { id, data } = read.data;
    return { eventKey: id, reference: data.reference, claim: data.status, body: read.data };
  }
  // Signed by the PSP but not in its words: kept as it is, for an operator.
  const digest = createHash('sha256').update(rawBody).digest('hex');
  return { eventKey: `sha256:${digest}`, reference: null, claim: 'unreadable', body: { base64: rawBody.toString('base64') } };
}

function parsedJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    return undefined;
  }
}
