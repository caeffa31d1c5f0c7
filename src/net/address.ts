/**
 * Which URLs of customers we send to: https, to a public address. Without this a webhook is a way to reach our own
 * network from inside (SSRF). The URL is checked when it is given and again at every connection, because what a name
 * resolves to may change in between.
 */
import { lookup, Resolver } from 'node:dns/promises';
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
  const found = ipaddr.isValid(host) ? [host] : await addressesOf(host);
  const addresses = found.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }));
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

/** Then it is asked once more, for twice as long: in all below what a connection may take. */
const DNS_TRY_MS = 1_500;

/**
 * Asked by sockets of our own. `lookup` asks in one of libuv's four threads, for as long as the name's servers keep silent: four
 * names of one customer would stop the look-ups of everybody else, PSPs' and the database's too, and all else that uses them.
 * What stands in a hosts file is nobody's public address, but for localhost.
 * @throws as `lookup` does: ENOTFOUND, EAI_AGAIN
 */
async function addressesOf(host: string): Promise<string[]> {
  if (host === 'localhost') return (await lookup(host, { all: true })).map(({ address }) => address);
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found;
  const isUnknown = answers.every((answer) => answer.status === 'rejected' && NO_SUCH_NAME.has(String(answer.reason?.code)));
  throw Object.assign(new Error(`${host} has no address`), { code: isUnknown ? 'ENOTFOUND' : 'EAI_AGAIN' });
}

const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

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
