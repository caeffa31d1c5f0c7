/**
 * Who is signed in to the console: a session is a row of its own, which a cookie names and no script can read. It opens what the
 * key that began it opens, for as long as that key opens it; but only together with the token that its own page sends (CSRF).
 */
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import { hashSessionToken, isCsrfTokenOf, SESSION_TOKEN } from '../crypto/sessionToken.ts';
import { Problem } from './problem.ts';

/** `__Host-`: a browser takes it from us alone, over HTTPS (or from loopback), and for no part of our paths. */
const COOKIE = '__Host-oncepay';

/** A working day: then one signs in again. */
export const SESSION_MS = 12 * 3_600_000;
/** An unattended screen. What a page asks by itself does not count (BACKGROUND). */
export const IDLE_MS = 30 * 60_000;
/** Whoever is at work writes their row once in this time, and not with every request. */
const SEEN_EVERY_S = 60;

const CSRF_HEADER = 'x-csrf-token';
/** Sent by a page with what it asks while nobody touches it: polling must not keep an unattended screen signed in. */
const BACKGROUND_HEADER = 'x-console-background';

/** That the session lasts, whatever its key opens. */
export const sessionLasts = (session: string): string =>
  `${session}.expires_at > now() AND ${session}.seen_at > now() - interval '${IDLE_MS} milliseconds'`;

export interface Session {
  readonly id: string;
  readonly keyId: string;
  readonly token: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request that came by a session's cookie; undefined: by a key. */
    session: Session | undefined;
  }
}

/** Strict: sent from pages of our own site only. */
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

export const sessionCookie = (token: string): string => `${COOKIE}=${token}; Max-Age=${SESSION_MS / 1_000}; ${ATTRIBUTES}`;

export const endedCookie = (): string => `${COOKIE}=; Max-Age=0; ${ATTRIBUTES}`;

export function sessionTokenIn({ headers }: FastifyRequest): string | undefined {
  const [, token = ''] = new RegExp(`(?:^|;)\\s*${COOKIE}=([^;\\s]+)`).exec(headers.cookie ?? '') ?? [];
  return SESSION_TOKEN.test(token) ? token : undefined;
}

/** The session of a request's cookie, while it lasts; it lasts longer now, unless the page asks by itself. */
export async function findSession(pool: Pool, request: FastifyRequest): Promise<Session | undefined> {
  const token = sessionTokenIn(request);
  if (token === undefined) return undefined;
  const { rows } = await pool.query<{ id: string; key_id: string; long_ago: boolean }>({
    name: 'find_session',
    text: `
      SELECT s.id, s.key_id, s.seen_at < now() - interval '${SEEN_EVERY_S} seconds' AS long_ago
        FROM console_sessions s WHERE s.hash = $1 AND ${sessionLasts('s')}`,
    values: [hashSessionToken(token)],
  });
  const [row] = rows;
  if (!row) return undefined;
  if (row.long_ago && request.headers[BACKGROUND_HEADER] === undefined) {
    // Never one that ended meanwhile: that would bring it back.
    await pool.query(`UPDATE console_sessions s SET seen_at = now() WHERE s.id = $1 AND ${sessionLasts('s')}`, [row.id]);
  }
  return { id: row.id, keyId: row.key_id, token };
}

/** @throws Problem 403 where it was not our own page that asks: a browser sends the cookie along whoever wrote the page. */
export function mustBeOurPage(request: FastifyRequest, { token }: Session): void {
  mustNotBeOtherPage(request);
  if (isCsrfTokenOf(token, request.headers[CSRF_HEADER])) return;
  throw new Problem(403, 'csrf_token_wrong', 'A session counts only with its own X-CSRF-Token: sign in again at /console.');
}

/** @throws Problem 403 where the browser says that it asks for a page of another origin, even of our own site. */
export function mustNotBeOtherPage({ headers }: FastifyRequest): void {
  const from = headers['sec-fetch-site'];
  if (from === undefined || from === 'same-origin' || from === 'none') return;
  throw new Problem(403, 'forbidden', 'This is answered to pages of /console only.');
}
