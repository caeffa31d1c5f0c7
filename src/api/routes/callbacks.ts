/** What PSPs tell us. Stored before anything acts on it; believed only once the PSP's own look-up agrees. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { attemptOf, payoutIdOf } from '../../domain/ids.ts';
import { newId } from '../../domain/newId.ts';
import type { Claim, Mode } from '../../domain/payout/contract.ts';
import { isRepeated, type PayoutState } from '../../domain/payout/machine.ts';
import { textFault } from '../../domain/text.ts';
import { failpoint } from '../../failpoints.ts';
import type { PspCallback } from '../../psp/port.ts';
import { openAnswers } from '../answers.ts';
import type { ApiContext } from '../context.ts';
import { notFound, Problem } from '../problem.ts';

export function callbackRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    // The signature is over the bytes as they came, whatever their type is said to be.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);

    const routeFor = (operationId: string, summary: string) => ({
      onRequest: (request: FastifyRequest) => app.rateLimits.callbacks(request),
      schema: {
        operationId,
        summary,
        tags: ['callbacks'],
        security: [],
        response: openAnswers({ 200: z.object({ received: z.literal(true) }) }, 401, 404, 413, 503),
      },
    });
    const ipn = routeFor('receiveCallback', "A payment provider's callback, signed over its raw body");
    app.post('/v1/ipn/:psp', { ...ipn, schema: { ...ipn.schema, params: z.object({ psp: z.string() }) } }, async (request) => {
      return await receive(context, request.params.psp, request);
    });
    app.post(
      '/webhooks/flutterwave/payout_status',
      routeFor('receiveFlutterwaveCallback', "Flutterwave's callback about a transfer, with the shared hash in `verif-hash`"),
      async (request) => await receive(context, 'flutterwave', request),
    );
    app.post(
      '/payout_status',
      routeFor('receivePayoutStatus', 'The same as /api/webhooks/flutterwave/payout_status'),
      async (request) => await receive(context, 'flutterwave', request),
    );
  };
}

/** @throws Problem 404 for a PSP that is not configured, 401 for whoever is not it. */
async function receive({ pool, payouts, psps }: ApiContext, name: string, request: FastifyRequest): Promise<{ received: true }> {
  const known = psps.all().filter(({ connector }) => connector.name === name);
  if (known.length === 0) throw notFound();
  const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  // Whose secret it shows tells whether it speaks of test or of live money.
  const [told] = known.flatMap(({ mode, connector }) => {
    const callback = connector.parseCallback(raw, request.headers);
    return callback ? [{ mode, callback }] : [];
  });
  if (!told) throw new Problem(401, 'invalid_signature', 'The signature is not that of the raw body under our shared secret.');
  const { mode, callback } = told;
  const message = await store(pool, { name, mode }, callback, raw);
  await failpoint('callback.stored', message.place?.payoutId ?? null);
  const claim = claimOf(callback.claim);
  if (message.state === 'received' && message.place) {
    const { payoutId, round, attempt } = message.place;
    if (isRepeated(message.place.now, { attempt, claim })) {
      await pool.query(CLOSE, [message.id]);
      return { received: true };
    }
    // Should this fail, the answer is 503 and the PSP sends again: the row is there, and it is handed on then.
    await payouts.notice(payoutId, round, { messageId: message.id, attempt, claim });
  }
  return { received: true };
}

interface Message {
  readonly id: string;
  /** Of its first coming; whatever it is now, a repeat is answered 200. */
  readonly state: string;
  readonly place: Place | undefined;
}

interface Teller {
  readonly name: string;
  readonly mode: Mode;
}

interface Place {
  readonly payoutId: string;
  readonly attempt: number;
  readonly round: number;
  readonly now: { readonly state: PayoutState; readonly attempt: number };
}

/** It says once more what the books have closed with. */
const CLOSE = `UPDATE psp_messages SET state = 'applied', detail = 'nothing new', handled_at = now() WHERE id = $1`;

/** A second coming of the same message finds the first one's row. One that speaks of no payout of ours is an orphan. */
async function store(pool: Pool, psp: Teller, callback: PspCallback, raw: Buffer): Promise<Message> {
  const place = await placeOf(pool, psp, callback.reference);
  const { rows } = await pool.query<{ id: string; state: string }>(
    `WITH stored AS (
       INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (psp, event_key) DO NOTHING RETURNING id, state)
     SELECT id, state FROM stored
     UNION ALL SELECT id, state FROM psp_messages WHERE psp = $2 AND event_key = $3 AND NOT EXISTS (SELECT FROM stored)`,
    [
      newId('msg'),
      psp.name,
      callback.eventKey,
      storable(callback.reference),
      place?.payoutId ?? null,
      place?.attempt ?? null,
      storable(callback.claim) ?? 'unreadable',
      storableBody(callback.body, raw),
      place ? 'received' : 'orphan',
    ],
  );
  // No row: its twin was committed while this ran, and that one hands it on.
  const { id, state } = rows[0] ?? { id: '', state: 'stored by a twin' };
  return { id, state, place };
}

async function placeOf(pool: Pool, psp: Teller, reference: string | null): Promise<Place | undefined> {
  const payoutId = reference === null ? undefined : payoutIdOf(reference);
  const attempt = reference === null ? undefined : attemptOf(reference);
  if (payoutId === undefined || attempt === undefined) return undefined;
  const { rows } = await pool.query<{ round: number; state: PayoutState; attempt: number }>(
    'SELECT round, state, attempt FROM payouts WHERE id = $1 AND psp = $2 AND mode = $3',
    [payoutId, psp.name, psp.mode],
  );
  return rows[0] && { payoutId, attempt, round: rows[0].round, now: rows[0] };
}

/** PostgreSQL takes neither NUL nor half a surrogate pair. */
const storable = (text: string | null): string | null => (text === null || textFault(text) !== undefined ? null : text);

function storableBody(body: unknown, raw: Buffer): string {
  const json = JSON.stringify(body);
  // JSON.stringify writes both as escapes.
  return json === undefined || /\\u(0000|d[89a-f][0-9a-f]{2})/i.test(json)
    ? JSON.stringify({ base64: raw.toString('base64') })
    : json;
}

const CLAIMS: ReadonlySet<string> = new Set(['paid', 'failed', 'returned', 'queued', 'held', 'processing']);

const claimOf = (word: string): Claim => (CLAIMS.has(word) ? (word as Claim) : null);
