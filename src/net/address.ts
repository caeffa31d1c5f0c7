/**
 * Which URLs of customers we send to: https, to a public address. Without this a webhook is a way to reach our own
 * network from inside (SSRF). The URL is checked when it is given and again at every connection, because what a name
 * resolves to may change in between.
 */
import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';

export interface AddressRules {
  /** Plain http and loopback addresses too: for test keys of an installation that says so. */
  readonly allowLoopback: boolean;
}

export type UrlFaultCode = 'invalid_url' | 'scheme_not_allowed' | 'userinfo_not_allowed' | 'blocked_address';

export interface UrlFault {
  readonly code: UrlFaultCode;
  readonly detail: string;
}

/** Longer ones are a mistake or an attack; 2,048 is what servers and proxies commonly take. */
const URL_MAX = 2_048;

/** A client waits for the answer meanwhile. */
const CHECK_LOOKUP_MS = 2_000;

/**
 * Why this URL is refused when a merchant gives it, or undefined. A name that does not resolve is let through: it may
 * be known tomorrow, and every connection checks again.
 */
export async function checkWebhookUrl(text: string, rules: AddressRules): Promise<UrlFault | undefined> {
  const parsed = parseWebhookUrl(text, rules);
  if (!parsed.ok) return parsed.fault;
  const found = await withLimit(resolvePublic(parsed.url.hostname, rules), CHECK_LOOKUP_MS).catch(() => undefined);
  return found?.ok === false ? found.fault : undefined;
}

export type ParsedUrl = { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly fault: UrlFault };

/** The URL's form: what can be said without asking DNS. */
export function parseWebhookUrl(text: string, rules: AddressRules): ParsedUrl {
  if (text.length > URL_MAX || !URL.canParse(text))
    return refuse('invalid_url', 'The URL must be an absolute https URL of at most 2,048 characters.');
  const url = new URL(text);
  const schemes = rules.allowLoopback ? ['https:', 'http:'] : ['https:'];
  if (!schemes.includes(url.protocol))
    return refuse('scheme_not_allowed', `The URL must begin with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}.`);
  if (url.username !== '' || url.password !== '')
    return refuse('userinfo_not_allowed', 'The URL must not hold a user name or password.');
  return { ok: true, url };
}

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolved =
  | { readonly ok: true; readonly addresses: readonly [Address, ...Address[]] }
  | { readonly ok: false; readonly fault: UrlFault };

/**
 * Every address of a URL's host, if we may connect to all of them. One bad address among good ones refuses the name:
 * whoever owns it chooses which one we would get.
 * @throws a DNS error (ENOTFOUND, EAI_AGAIN) if the name does not resolve.
 */
export async function resolvePublic(hostname: string, rules: AddressRules): Promise<Resolved> {
  const host = hostname.replace(/^\[|\]$|\.$/g, ''); // an IPv6 literal stands in brackets in a URL; "localhost." is localhost
  const literal = ipaddr.isValid(host);
  const found = literal ? [{ address: host, family: host.includes(':') ? 6 : 4 }] : await lookup(host, { all: true });
  const addresses = found.map(({ address, family }): Address => ({ address, family: family === 6 ? 6 : 4 }));
  const [first, ...others] = addresses;
  if (!first) throw new Error(`${host} has no address`);
  if (!addresses.every(({ address }) => mayConnect(address, rules))) {
    return refuse(
      'blocked_address',
      'The URL leads to an address that is private, loopback, link-local or otherwise not public.',
    );
  }
  return { ok: true, addresses: [first, ...others] };
}

/** The public addresses of IPv6. ipaddr.js calls all of the unassigned rest unicast too, `::127.0.0.1` among them. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');

/** May a socket be opened to this address? Anything that is not clearly public is not. */
export function mayConnect(address: string, rules: AddressRules): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // takes ::ffff:127.0.0.1 for what it is: 127.0.0.1
  const range = parsed.range();
  if (range === 'loopback') return rules.allowLoopback;
  return range === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST, 3));
}

/** The promise, or a `timeout` error when it takes longer. The promise itself goes on: a DNS question cannot be taken back. */
export async function withLimit<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('took too long'), { code: 'ETIMEDOUT' })), limitMs);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

const refuse = (code: UrlFaultCode, detail: string) => ({ ok: false, fault: { code, detail } }) as const;
