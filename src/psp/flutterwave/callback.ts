/** Flutterwave's callbacks: who may speak in its name, and what they claim. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { PspCallback } from '../port.ts';
import { referenceIn } from './reply.ts';
import { callback } from './wire.ts';

/**
 * v3 tells of either end by `transfer.completed` and says which in `data.status`. The names of one event for each end are
 * understood as well: they were told to integrators before.
 */
const STATUS_OF_EVENT: ReadonlyMap<string, string> = new Map([
  ['transfer.success', 'SUCCESSFUL'],
  ['transfer.failed', 'FAILED'],
]);

const CLAIM_OF: ReadonlyMap<string, string> = new Map([
  ['NEW', 'processing'],
  ['PENDING', 'processing'],
  ['SUCCESSFUL', 'paid'],
  ['FAILED', 'failed'],
]);

/**
 * The header is the shared secret itself: it signs nothing, so whoever has seen one callback can say anything. Undefined
 * where it is not ours.
 */
export function parseCallback(rawBody: Buffer, header: string | string[] | undefined, hash: string): PspCallback | undefined {
  // Two are one too many, whichever of them is right.
  const given = Array.isArray(header) ? (header.length === 1 ? header[0] : undefined) : header;
  if (given === undefined || !isSame(given, hash)) return undefined;
  const digest = createHash('sha256').update(rawBody).digest('hex');
  const read = callback.safeParse(parsedJson(rawBody));
  if (!read.success) {
    // From the PSP but not in its words: kept as it is, for an operator.
    return { eventKey: `sha256:${digest}`, reference: null, claim: 'unreadable', body: { base64: rawBody.toString('base64') } };
  }
  const { event, data } = read.data;
  const status = (data.status ?? STATUS_OF_EVENT.get(event ?? '') ?? '').toUpperCase();
  return {
    // v3 gives its events no id. The body as well: a lie must not use up the name of the true event that comes later.
    eventKey: `${data.id ?? data.reference}:${status}:${digest.slice(0, 32)}`,
    reference: referenceIn(data.reference),
    claim: CLAIM_OF.get(status) ?? 'unreadable',
    body: read.data,
  };
}

/** Compares digests, so neither the length nor a common beginning of the hash can be measured. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function parsedJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    return undefined;
  }
}
