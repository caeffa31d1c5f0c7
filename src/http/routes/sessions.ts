/** Signing in to the console, and out of it: here, somewhere else, everywhere. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { csrfTokenOf, hashSessionToken, newSessionToken } from '../../crypto/sessionToken.ts';
import type { ConsoleSession, Prisma } from '../../generated/prisma/client.ts';
import { newId } from '../../rules/newId.ts';
import { readAnswers, writeAnswers } from '../answers.ts';
import { writeAudit } from '../audit.ts';
import type { Caller } from '../caller.ts';
import type { ApiContext } from '../context.ts';
import { byId, noQuery } from '../documented.ts';
import { listSchema } from '../paging.ts';
import { authenticate, callerBySession, callerOfKey, sessionAuth } from '../plugins/auth.ts';
import { notFound, Problem } from '../problem.ts';
import { endedCookie, IDLE_MS, mustNotBeOtherPage, SESSION_MS, sessionCookie, sessionTokenIn } from '../session.ts';
import { sessionRowSchema, sessionSchema } from './sessionSchemas.ts';

/** Begun with one key: some browsers of the people who share it. The oldest ends when one more begins. */
const MOST_SESSIONS_OF_A_KEY = 50;
/** What browsers call themselves is a line of some hundred characters, and whatever a client likes. */
const BROWSER_LENGTH_MAX = 200;

const creation = z.strictObject({ key: z.string().min(1).max(200) });
const tags = ['console'];
/** As the document names it (plugins/openapi.ts). */
const security = [{ session: [], csrf: [] }];
type Documented = Readonly<Record<number, unknown>>;

export function sessionRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;
  const onRequest = sessionAuth(context);

  return async (app) => {
    app.post(
      '/session',
      {
        onRequest: async (request) => {
          mustNotBeOtherPage(request); // or somebody would be signed in as somebody else without knowing
          await app.rateLimits.open(request);
        },
        schema: {
          tags,
          summary: 'Sign in with a key: the answer sets the cookie',
          security: [],
          querystring: noQuery,
          body: creation,
          response: writeAnswers({ 201: sessionSchema }) as Documented,
        },
      },
      async (request, reply) => {
        const caller = await authenticate(request, await callerOfKey(pool, request.body.key.trim()));
        if (caller.kind === 'provider') throw new Problem(403, 'forbidden', 'The console has no pages for a provider’s key.');
        const token = newSessionToken();
        const session = await prisma.$transaction((db) => begin(db, request, caller.keyId, token));
        reply.code(201).header('set-cookie', sessionCookie(token));
        return await present(context, caller, session, token);
      },
    );

    app.get(
      '/session',
      {
        onRequest: async (request) => {
          mustNotBeOtherPage(request);
          await authenticate(request, await callerBySession(pool, request));
        },
        schema: {
          tags,
          summary: 'Who is signed in here, with the token that this page must send',
          security: [{ session: [] }],
          querystring: noQuery,
          response: readAnswers({ 200: sessionSchema }) as Documented,
        },
      },
      async (request) => {
        const { caller, session } = signedIn(request);
        const row = await prisma.consoleSession.findUnique({ where: { id: session.id } });
        if (!row) throw notFound(); // ended at this moment
        return await present(context, caller, row, session.token);
      },
    );

    app.delete(
      '/session',
      { onRequest, schema: { tags, summary: 'Sign out', security, querystring: noQuery, response: ended } },
      async (request, reply) => {
        await end(request, { id: signedIn(request).session.id });
        return reply.code(204).header('set-cookie', endedCookie()).send();
      },
    );

    app.get(
      '/sessions',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Where this key is signed in',
          security,
          querystring: noQuery,
          response: readAnswers({ 200: listSchema(sessionRowSchema) }) as Documented,
        },
      },
      async (request) => {
        const { session } = signedIn(request);
        const rows = await prisma.consoleSession.findMany({
          where: { keyId: session.keyId, expiresAt: { gt: new Date() }, seenAt: { gt: new Date(Date.now() - IDLE_MS) } },
          orderBy: { id: 'desc' },
        });
        return {
          object: 'list' as const,
          data: rows.map((row) => presentRow(row, session.id)),
          hasMore: false,
          nextCursor: null,
        };
      },
    );

    app.delete(
      '/sessions',
      { onRequest, schema: { tags, summary: 'Sign this key out everywhere', security, querystring: noQuery, response: ended } },
      async (request, reply) => {
        await end(request, {});
        return reply.code(204).header('set-cookie', endedCookie()).send();
      },
    );

    app.delete(
      '/sessions/:id',
      {
        onRequest,
        schema: { tags, summary: 'Sign out somewhere else', security, params: byId, querystring: noQuery, response: ended },
      },
      async (request, reply) => {
        if ((await end(request, { id: request.params.id })) === 0) throw notFound();
        return reply.code(204).send();
      },
    );
  };

  /** Sessions of the same key, and of no other. */
  async function end(request: FastifyRequest, which: Prisma.ConsoleSessionWhereInput): Promise<number> {
    const { caller, session } = signedIn(request);
    return await prisma.$transaction(async (db) => {
      const { count } = await db.consoleSession.deleteMany({ where: { ...which, keyId: session.keyId } });
      if (caller.kind === 'admin' && count > 0) {
        const target = typeof which.id === 'string' ? which.id : session.keyId;
        await writeAudit(db, request, { action: 'session.end', target, data: { sessions: count } });
      }
      return count;
    });
  }
}

const ended = writeAnswers({ 204: z.null() }, 404) as Documented;

/**
 * Under a token of its own, whatever cookie the browser had: nobody can have given it one that they know. The session that it
 * had ends, and what is over anyway is swept away.
 */
async function begin(db: Prisma.TransactionClient, request: FastifyRequest, keyId: string, token: string) {
  const before = sessionTokenIn(request);
  const isOver = [{ expiresAt: { lte: new Date() } }, { seenAt: { lte: new Date(Date.now() - IDLE_MS) } }];
  await db.consoleSession.deleteMany({ where: { OR: [...(before ? [{ hash: hashSessionToken(before) }] : []), ...isOver] } });
  const tooMany = await db.consoleSession.findMany({
    where: { keyId },
    orderBy: { id: 'desc' },
    skip: MOST_SESSIONS_OF_A_KEY - 1,
    select: { id: true },
  });
  await db.consoleSession.deleteMany({ where: { id: { in: tooMany.map(({ id }) => id) } } });
  const made = await db.consoleSession.create({
    data: {
      id: newId('ses'),
      hash: hashSessionToken(token),
      keyId,
      browser: browserOf(request),
      expiresAt: new Date(Date.now() + SESSION_MS),
    },
  });
  if (request.caller?.kind === 'admin') {
    await writeAudit(db, request, { action: 'session.begin', target: made.id, data: { browser: made.browser } });
  }
  return made;
}

/** Printable ASCII of what it calls itself. */
const browserOf = ({ headers }: FastifyRequest): string =>
  (headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, BROWSER_LENGTH_MAX);

/** @throws if the route has no hook that looks for a session: a mistake in our code. */
function signedIn({ caller, session, routeOptions }: FastifyRequest) {
  if (!caller || !session) throw new Error(`${routeOptions.url} is not behind a session`);
  return { caller, session };
}

/** Who that is, for a page that shows each what is theirs; what they may do, each route decides. */
async function present(
  { prisma, config }: ApiContext,
  caller: Caller,
  { id, createdAt, expiresAt }: ConsoleSession,
  token: string,
) {
  const isAdmin = caller.kind === 'admin';
  const merchant = isAdmin ? null : await prisma.merchant.findUnique({ where: { id: caller.merchantId } });
  return {
    id,
    object: 'session' as const,
    csrfToken: csrfTokenOf(token),
    who: {
      kind: caller.kind,
      id: isAdmin ? caller.adminId : caller.merchantId,
      name: isAdmin ? caller.name : (merchant?.name ?? ''),
      role: isAdmin ? caller.role : null,
      mode: isAdmin ? null : caller.mode,
      scopes: caller.kind === 'merchant' ? caller.scopes : [],
      keyId: caller.keyId,
    },
    // What the Temporal UI must be told, and where it is.
    temporalUi: isAdmin ? { url: config.temporalUiUrl, codecEndpoint: `${config.publicUrl.replace(/\/+$/, '')}/codec` } : null,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

const presentRow = ({ id, browser, createdAt, seenAt, expiresAt }: ConsoleSession, ownId: string) => ({
  id,
  object: 'session' as const,
  browser,
  isThis: id === ownId,
  createdAt: createdAt.toISOString(),
  seenAt: seenAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
});
