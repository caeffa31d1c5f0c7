/** What PSPs tell us. Stored before anything acts on it; believed only once the PSP's own look-up agrees. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { attemptOf, payoutIdOf } from '../../domain/ids.ts';
import { newId } from '../../domain/newId.ts';
import { claimOf } from '../../domain/payout/contract.ts';
import { isRepeated, type PayoutState } from '../../domain/payout/machine.ts';
import { textFault } from '../../domain/text.ts';
import { failpoint } from '../../failpoints.ts';
import type { PspCallback } from '../../psp/port.ts';
import { openAnswers } from '../answers.ts';
import type { ApiContext } from '../context.ts';
import { notFound, Problem } from '../problem.ts';

export function callbackRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, payouts, psps } = context;
  return async (app) => {
    // The signature is over the bytes as they came, whatever their type is said to be.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);

    app.post(
      '/ipn/:psp',
      {
        onRequest: (request) => app.rateLimits.callbacks(request),
        schema: {
          operationId: 'receiveCallback',
          summary: "A payment provider's callback, signed over its raw body",
          tags: ['callbacks'],
          security: [],
          params: z.object({ psp: z.string() }),
          response: openAnswers({ 200: z.object({ received: z.literal(true) }) }, 401, 404, 413, 503),
        },
      },
      async (request) => {
        const psp = psps.byName(request.params.psp);
        if (!psp) throw notFound();
        const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const callback = psp.parseCallback(raw, request.headers);
        if (!callback)
          throw new Problem(401, 'invalid_signature', 'The signature is not that of the raw body under our shared secret.');
        const message = await store(pool, psp.name, callback, raw);
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
      },
    );
  };
}

interface Message {
  readonly id: string;
  /** Of its first coming; whatever it is now, a repeat is answered 200. */
  readonly state: string;
  readonly place: Place | undefined;
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
async function store(pool: Pool, psp: string, callback: PspCallback, raw: Buffer): Promise<Message> {
  const place = await placeOf(pool, psp, callback.reference);
  const { rows } = await pool.query<{ id: string; state: string }>(
    `WITH stored AS (
       INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (psp, event_key) DO NOTHING RETURNING id, state)
     SELECT id, state FROM stored
     UNION ALL SELECT id, state FROM psp_messages WHERE psp = $2 AND event_key = $3 AND NOT EXISTS (SELECT FROM stored)`,
    [
      newId('msg'),
      psp,
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

async function placeOf(pool: Pool, psp: string, reference: string | null): Promise<Place | undefined> {
  const payoutId = reference === null ? undefined : payoutIdOf(reference);
  const attempt = reference === null ? undefined : attemptOf(reference);
  if (payoutId === undefined || attempt === undefined) return undefined;
  const { rows } = await pool.query<{ round: number; state: PayoutState; attempt: number }>(
    'SELECT round, state, attempt FROM payouts WHERE id = $1 AND psp = $2',
    [payoutId, psp],
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
