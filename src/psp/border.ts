/**
 * What a PSP says, made fit to be kept: the one place that every word of every connector passes. A reason with NUL in it
 * must not stop the payout whose reason it is. Names are another matter: one that cannot be written down as it is would
 * become the name of something else, so it proves nothing.
 */
import { createHash } from 'node:crypto';
import { storable } from '../rules/text.ts';
import type { PspAccount, PspCallback, PspConnector, PspReply } from './port.ts';

/** Of reasons, messages and details: more than anybody reads, little enough for an event. */
const WORDS_MAX = 500;
/** Of names. An index of PostgreSQL has room for some 2,700 bytes. */
const NAME_MAX = 200;

/** The same connector; what it hears can be stored. */
export function withBorder(connector: PspConnector): PspConnector {
  const { account } = connector;
  return {
    name: connector.name,
    submit: async (order, signal) => storableReply(await connector.submit(order, signal)),
    lookUp: async (order, signal) => storableReply(await connector.lookUp(order, signal)),
    parseCallback: (rawBody, headers) => {
      const callback = connector.parseCallback(rawBody, headers);
      return callback && storableCallback(callback, rawBody);
    },
    verifyAccount: async (destination, signal) => storableTexts(await connector.verifyAccount(destination, signal)),
    ...(account && { account: accountWithBorder(account) }),
  };
}

function accountWithBorder(account: PspAccount): PspAccount {
  return {
    balance: async (...asked) => storableTexts(await account.balance(...asked)),
    fee: async (...asked) => storableTexts(await account.fee(...asked)),
    banks: async (...asked) => storableTexts(await account.banks(...asked)),
  };
}

const isName = (text: string): boolean => text !== '' && storable(text, NAME_MAX) === text;

export function storableReply(reply: PspReply): PspReply {
  const isNamed = !('pspRef' in reply) || reply.pspRef === null || isName(reply.pspRef);
  return isNamed ? storableTexts(reply) : { kind: 'unknown', reason: 'the name of the transfer is unreadable' };
}

/** Every text in it, however deep, so that a new field needs no thought. */
function storableTexts<T>(value: T): T;
function storableTexts(value: unknown): unknown {
  if (typeof value === 'string') return storable(value, WORDS_MAX);
  if (Array.isArray(value)) return value.map(storableTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, storableTexts(each)]));
}

/**
 * What cannot be kept as it is, is kept as its bytes: an operator may need them. Its key is made of all that it says: a PSP
 * that gives one id to two events, of one transfer or of two, has said two things, and the second must not pass for the first.
 */
export function storableCallback({ eventKey, reference, claim, body }: PspCallback, rawBody: Buffer): PspCallback {
  const bytes = `sha256:${createHash('sha256').update(rawBody).digest('hex')}`;
  const key = [eventKey, reference ?? '-', claim].map((part) => (isName(part) ? part : bytes)).join(' ');
  return {
    eventKey: isName(key) ? key : bytes,
    reference: reference !== null && isName(reference) ? reference : null,
    claim: isName(claim) ? claim : 'unreadable',
    body: isStorableJson(body) ? body : { base64: rawBody.toString('base64') },
  };
}

/** PostgreSQL's jsonb has no room for NUL or half a surrogate pair, in texts and in keys. */
function isStorableJson(body: unknown): boolean {
  let isStorable = true;
  const json = JSON.stringify(body, (key, value: unknown) => {
    isStorable &&= !UNSTORABLE.test(key) && (typeof value !== 'string' || !UNSTORABLE.test(value));
    return value;
  });
  return json !== undefined && isStorable;
}

const UNSTORABLE = /\0|\p{Cs}/u;
