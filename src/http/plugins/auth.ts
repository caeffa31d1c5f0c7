/**
 * Whose key a request shows, or who is signed in to the console, and whether they may do what is asked. Looked up each time: a
 * revoked key is dead at once, with every session that it began.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { hashApiKey, KEY_PREFIXES } from '../../crypto/newSecret.ts';
import { PAGE_TOKEN_PREFIX, type PageClaim, readPageToken } from '../../crypto/pageToken.ts';
import type { KeyRing } from '../../crypto/secretBox.ts';
import { readStreamToken, STREAM_TOKEN_PREFIX } from '../../crypto/streamToken.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import type { Mode } from '../../payouts/rules/contract.ts';
import { type Flow, readFlows } from '../../rules/flows.ts';
import { isRole, mayAct, type Role } from '../../rules/roles.ts';
import type { Scope } from '../../rules/scopes.ts';
import { type AuditNote, writeAudit } from '../audit.ts';
import { type Caller, merchantOf } from '../caller.ts';
import type { ApiContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { findSession, mustBeOurPage, sessionLasts } from '../session.ts';
import { protocolsOf, upgradeOf } from './upgrades.ts';

type AuthHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** As `onRequest` of a route: a merchant's key with this scope. Sets `request.caller`. */
export function merchantAuth({ pool }: ApiContext, scope: Scope): AuthHook {
  return async (request) => mustBeMerchant(await authenticate(request, await whoAsks(pool, request)), scope);
}

/**
 * As `onRequest` of a live stream: the same, or a token that such a key has made. Sets `request.caller` to whose key it is, and
 * `request.streamUserId` where the token is for one user.
 */
export function streamAuth({ pool, keys }: ApiContext, scope: Scope): AuthHook {
  return async (request) => {
    const token = streamTokenIn(request);
    const isAlone = request.headers['x-api-key'] === undefined; // as with two keys that differ
    const claim = token === undefined || !isAlone ? undefined : readStreamToken(keys, token, Date.now());
    if (claim?.userId) request.streamUserId = claim.userId;
    const caller = token === undefined ? await whoAsks(pool, request) : claim && (await findCaller(pool, 'id', claim.keyId));
    mustBeMerchant(await authenticate(request, caller), scope);
  };
}

/**
 * As `onRequest` of what a hosted page asks: the page's token, and nothing else. Sets `request.caller` to whose key made it, and
 * `request.page` to the user and the subject that it is limited to.
 */
export function pageAuth({ pool, keys }: ApiContext, scope: Scope): AuthHook {
  return async (request) => {
    const claim = pageClaimIn(keys, request);
    const caller = claim && (await findCaller(pool, 'id', claim.keyId));
    if (caller) request.page = claim;
    mustBeMerchant(await authenticate(request, caller), scope);
  };
}

function pageClaimIn(keys: KeyRing, { headers }: FastifyRequest): PageClaim | undefined {
  const token = bearerIn(headers.authorization);
  const isAlone = headers['x-api-key'] === undefined; // as with two keys that differ
  return token?.startsWith(PAGE_TOKEN_PREFIX) && isAlone ? readPageToken(keys, token, Date.now()) : undefined;
}

function mustBeMerchant(caller: Caller, scope: Scope): void {
  if (caller.kind !== 'merchant') throw forbidden("This needs a merchant's key (pk_…).");
  if (caller.scopes.length > 0 && !caller.scopes.includes(scope)) throw forbidden(`This key lacks the scope ${scope}.`);
}

/**
 * As `onRequest` of a route, after merchantAuth: what begins something new of a flow. One that is switched off for the
 * merchant begins nothing more; what runs, finishes.
 */
export function flowOn(flow: Flow): AuthHook {
  return async (request) => {
    if (!merchantOf(request).flows[flow]) throw new Problem(403, 'flow_disabled', `The flow ${flow} is switched off for you.`);
  };
}

/** As `onRequest` of a route: a provider's own key. Sets `request.caller`. */
export function providerAuth({ pool }: ApiContext): AuthHook {
  return async (request) => {
    const caller = await authenticate(request, await whoAsks(pool, request));
    if (caller.kind !== 'provider') throw forbidden("This needs a provider's key (vk_…).");
  };
}

/**
 * As `onRequest` of a route: an admin's key with at least this role. Sets `request.caller`. An act that the role does not allow
 * is in the audit log, too: no page of ours asks for one.
 */
export function adminAuth({ pool, prisma }: ApiContext, role: Role): AuthHook {
  return async (request) => {
    const caller = await authenticate(request, await whoAsks(pool, request));
    if (caller.kind !== 'admin') throw forbidden("This needs an admin's key (ak_…).");
    if (mayAct(caller.role, role)) return;
    if (!READS.has(request.method)) await writeAudit(prisma, request, refusedAct(request, caller.role, role));
    throw forbidden(`This needs the role ${role}.`);
  };
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** What a client made up is not written down as a name of something: nor could PostgreSQL keep all of it. */
const NAME = /^[\w-]{1,64}$/;

function refusedAct({ method, params, routeOptions }: FastifyRequest, has: Role, needs: Role): AuditNote {
  const route = routeOptions.url ?? '';
  const { id } = params as { readonly id?: string };
  return {
    action: 'request.refused',
    target: id !== undefined && NAME.test(id) ? id : route,
    data: { method, route, role: has, needs },
  };
}

/** As `onRequest` of a route about sessions: whoever is signed in, on their own page. Sets `request.caller` and `request.session`. */
export function sessionAuth({ pool }: ApiContext): AuthHook {
  return async (request) => {
    const caller = await authenticate(request, await callerBySession(pool, request));
    if (request.session === undefined) throw new Error(`${caller.keyId} came by no session`);
    mustBeOurPage(request, request.session);
  };
}

const forbidden = (detail: string): Problem => new Problem(403, 'forbidden', detail);

/** One answer for every key that does not open: unknown, malformed, revoked, expired, of an inactive owner. */
const invalidKey = (): Problem =>
  new Problem(401, 'invalid_api_key', 'Send a valid key as X-API-KEY or as Authorization: Bearer.', {
    headers: { 'www-authenticate': 'Bearer' },
  });

/**
 * Counts the request, by its key or else by its address. @throws Problem 401, 429
 * @param caller who it turned out to be, if anybody.
 */
export async function authenticate(request: FastifyRequest, caller: Caller | undefined): Promise<Caller> {
  const { rateLimits } = request.server;
  if (!caller) {
    await rateLimits.address(request);
    throw invalidKey();
  }
  request.caller = caller;
  await rateLimits.key(request);
  return caller;
}

/**
 * In the transaction that makes another key: a key is looked at when its request begins, and may have been revoked before the
 * request has come in whole; what it made then would outlive it. Whoever revokes it waits, or has gone first.
 * @throws Problem 401
 */
export async function mustStillOpen(db: Prisma.TransactionClient, { caller }: FastifyRequest): Promise<void> {
  const found = await db.$queryRaw<unknown[]>`
    SELECT 1 FROM api_keys k
     WHERE k.id = ${caller?.keyId} AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) FOR SHARE`;
  if (found.length === 0) throw invalidKey();
}

/** What a key of ours can look like; anything else is not worth a look-up. */
const KEY = new RegExp(`^(${KEY_PREFIXES.join('|')})[A-Za-z0-9_-]{8,128}$`);

/** The key of a request, or undefined: none, malformed, or two that differ. */
function keyIn({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-api-key'];
  const bearer = bearerIn(headers.authorization);
  if (own !== undefined && bearer !== undefined && own !== bearer) return undefined;
  const key = own ?? bearer;
  return typeof key === 'string' && KEY.test(key) ? key : undefined;
}

const bearerIn = (authorization: string | undefined): string | undefined => /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];

/** A key where any is shown, else a session with the token of its own page. */
async function whoAsks(pool: Pool, request: FastifyRequest): Promise<Caller | undefined> {
  const { headers } = request;
  if (headers['x-api-key'] !== undefined || headers.authorization !== undefined) {
    const key = keyIn(request);
    return key === undefined ? undefined : await callerOfKey(pool, key);
  }
  const caller = await callerBySession(pool, request);
  if (request.session) mustBeOurPage(request, request.session);
  return caller;
}

export const callerOfKey = async (pool: Pool, key: string): Promise<Caller | undefined> =>
  KEY.test(key) ? await findCaller(pool, 'hash', hashApiKey(key)) : undefined;

/** Whoever the cookie speaks for. It says nothing of who wrote the page that asks. Sets `request.session`. */
export async function callerBySession(pool: Pool, request: FastifyRequest): Promise<Caller | undefined> {
  const session = await findSession(pool, request);
  const caller = session && (await findCaller(pool, 'id', session.keyId));
  if (caller) request.session = session;
  return caller;
}

/** A browser cannot give a WebSocket a header of its own: there it names the token as a subprotocol. */
function streamTokenIn(request: FastifyRequest): string | undefined {
  const bearer = bearerIn(request.headers.authorization);
  const offered = upgradeOf(request) ? protocolsOf(request) : [];
  return [bearer, ...offered].find((each) => each?.startsWith(STREAM_TOKEN_PREFIX));
}

interface KeyRow {
  readonly id: string;
  readonly mode: Mode | null;
  readonly scopes: string[] | null;
  readonly created_by: string | null;
  readonly merchant_id: string | null;
  readonly provider_id: string | null;
  readonly fee: unknown;
  readonly review_limits: unknown;
  readonly flows: unknown;
  readonly admin_id: string | null;
  readonly role: string | null;
  readonly name: string | null;
}

/** Of a key that there is not, both are NULL: nothing stands against it. */
const opens = (key: string): string => `${key}.revoked_at IS NULL AND (${key}.expires_at IS NULL OR ${key}.expires_at > now())`;

/** A provider's key lives no longer than the merchant's key that made it. */
const KEYS = `
  SELECT k.id, k.mode, k.scopes, k.created_by, m.id AS merchant_id, m.fee, m.review_limits, m.flows, v.id AS provider_id,
         a.id AS admin_id, a.role, a.name
    FROM api_keys k
    LEFT JOIN providers v ON k.owner_kind = 'provider' AND v.id = k.owner_id
    LEFT JOIN merchants m ON m.id = CASE k.owner_kind WHEN 'merchant' THEN k.owner_id WHEN 'provider' THEN v.merchant_id END
    LEFT JOIN admins a ON k.owner_kind = 'admin' AND a.id = k.owner_id
    LEFT JOIN api_keys parent ON parent.id = k.parent_id
   WHERE ${opens('k')} AND ${opens('parent')} AND coalesce(m.active, a.active)`;

async function findCaller(pool: Pool, by: 'hash' | 'id', value: string): Promise<Caller | undefined> {
  const { rows } = await pool.query<KeyRow>({ name: `find_api_key_by_${by}`, text: `${KEYS} AND k.${by} = $1`, values: [value] });
  return rows[0] && callerOf(rows[0]);
}

const STILL_OPEN = `
  SELECT id FROM (${KEYS}) AS k WHERE id = ANY ($1)
  UNION ALL
  SELECT s.id FROM console_sessions s JOIN (${KEYS}) AS k ON k.id = s.key_id WHERE s.id = ANY ($1) AND ${sessionLasts('s')}`;

/** Of these keys and sessions, the ones that still open something. */
export async function keysThatOpen(pool: Pool, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ id: string }>({ name: 'keys_that_open', text: STILL_OPEN, values: [ids] });
  return new Set(rows.map(({ id }) => id));
}

function callerOf(row: KeyRow): Caller | undefined {
  const { id: keyId, merchant_id: merchantId, provider_id: providerId, mode, admin_id: adminId, role } = row;
  if (merchantId !== null && mode !== null) {
    const { fee, review_limits: reviewLimits, created_by: makerId } = row;
    if (providerId !== null) return { kind: 'provider', providerId, merchantId, mode, keyId, makerId, fee };
    return {
      kind: 'merchant',
      merchantId,
      mode,
      keyId,
      scopes: row.scopes ?? [],
      makerId,
      fee,
      reviewLimits,
      flows: readFlows(row.flows),
    };
  }
  if (adminId !== null && isRole(role)) return { kind: 'admin', adminId, keyId, role, name: row.name ?? '' };
  return undefined;
}
