/** What PSPs tell us. Stored before anything acts on it; believed only once the PSP's own look-up agrees. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import { failpoint } from '../../failpoints.ts';
import { openAnswers } from '../../http/answers.ts';
import type { ApiContext } from '../../http/context.ts';
import type { Intake } from '../../http/plugins/intake.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { claimOf, type Mode } from '../../payouts/rules/contract.ts';
import { isRepeated, type PayoutState, repeatedIn } from '../../payouts/rules/machine.ts';
import { attemptOf, payoutIdOf } from '../../rules/ids.ts';
import { newId } from '../../rules/newId.ts';
import { attemptState, closeRepeated, FIRST_SWEPT_AFTER, NOTHING_NEW } from '../messages.ts';
import type { PspCallback } from '../port.ts';

/** The signature is over the bytes as they came, whatever their type is said to be. */
const RAW_BODY: Intake = {
  types: [],
  limitBytes: 256 * 1024, // PSPs send a few KB; whoever is no PSP may make us hold no more than this
  timeoutMs: 10_000, // common PSPs have given up on us after 5 s
  parse: (whole) => whole,
};

export function callbackRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    const routeFor = (operationId: string, summary: string) => ({
      onRequest: (request: FastifyRequest) => app.rateLimits.callbacks(request),
      config: { intake: RAW_BODY },
      schema: {
        operationId,
        summary,
        tags: ['callbacks'],
        security: [],
        response: openAnswers({ 200: z.object({ received: z.literal(true) }) }, 401, 404, 408, 413, 503),
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
  const message = await store(pool, { name, mode }, callback);
  await failpoint('callback.stored', message.place?.payoutId ?? null);
  const claim = claimOf(callback.claim);
  if (message.state === 'received' && message.place) {
    const { payoutId, round, attempt, now } = await whenReplied(pool, message.place);
    if (isRepeated(now, claim)) await closeRepeated(pool, message.id);
    // Should this fail, the answer is 503: the row is there, and it is handed on when the PSP sends again, or swept.
    else await payouts.notice(payoutId, round, { messageId: message.id, attempt, claim });
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

interface Now {
  readonly state: PayoutState;
  /** The newest attempt. */
  readonly attempt: number;
  /** Of the one that the message speaks of. */
  readonly attemptState: string | null;
}

/** Which attempt of which payout it speaks of, and where that payout stands. */
interface Place {
  readonly payoutId: string;
  readonly attempt: number;
  readonly round: number;
  readonly now: Now;
}

/**
 * Only the PSP that an attempt was asked of speaks of it; another may have paid an earlier or a later one.
 * A second coming of the same message finds the first one's row. One that speaks of no payout of ours is an orphan;
 * one that says once more what the books have closed with ($10, $12) is done with at once. What speaks of money and is not
 * what the books say counts again, however the first coming ended: a PSP without ids for its events tells that it has
 * paid a returned payment again in the very bytes in which it told of the first time. No row at all: its twin was
 * committed while this ran, and that one hands it on.
 */
const STORE = `
  WITH place AS (
    SELECT p.id, p.round, p.state, p.attempt, ${attemptState('$6::int')} AS attempt_state,
           coalesce(p.state = $10::text AND ${attemptState('$6::int')} = $12::text, false) AS repeated
      FROM payouts p WHERE p.id = $5 AND p.mode = $11
       AND coalesce((SELECT a.psp FROM payout_attempts a WHERE a.payout_id = p.id AND a.attempt = $6::int), p.psp) = $2
  ), stored AS (
    INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state, detail, handled_at, hand_on_at)
    SELECT $1, $2, $3, $4, place.id, CASE WHEN place.id IS NOT NULL THEN $6::int END, $7, $8::jsonb,
           CASE WHEN place.id IS NULL THEN 'orphan' WHEN place.repeated THEN 'applied' ELSE 'received' END,
           CASE WHEN place.repeated THEN $9 END, CASE WHEN place.repeated THEN now() END,
           CASE WHEN NOT place.repeated THEN now() + interval '${FIRST_SWEPT_AFTER}' END
      FROM (SELECT) AS message LEFT JOIN place ON true
    ON CONFLICT (psp, event_key) DO UPDATE SET state = 'received', detail = NULL, handled_at = NULL, handed = 0,
                                                  hand_on_at = excluded.hand_on_at, received_at = now()
      WHERE psp_messages.state IN ('applied', 'ignored') AND excluded.state = 'received'
        AND excluded.claim IN ('paid', 'failed', 'returned')
    RETURNING id, state
  ), message AS (
    SELECT id, state FROM stored
    UNION ALL SELECT id, state FROM psp_messages WHERE psp = $2 AND event_key = $3 AND NOT EXISTS (SELECT FROM stored)
  )
  SELECT message.id, message.state, place.id AS payout_id, place.round, place.state AS payout_state, place.attempt, place.attempt_state
    FROM message LEFT JOIN place ON true`;

interface StoredRow {
  readonly id: string;
  readonly state: string;
  readonly payout_id: string | null;
  readonly round: number;
  readonly payout_state: PayoutState;
  readonly attempt: number;
  readonly attempt_state: string | null;
}

async function store(pool: Pool, psp: Teller, { eventKey, reference, claim, body }: PspCallback): Promise<Message> {
  const payoutId = reference === null ? undefined : payoutIdOf(reference);
  const attempt = reference === null ? undefined : attemptOf(reference);
  const ours = payoutId !== undefined && attempt !== undefined ? { payoutId, attempt } : undefined;
  const as = repeatedIn(claimOf(claim));
  const { rows } = await pool.query<StoredRow>({
    name: 'store_message',
    text: STORE,
    values: [
      newId('msg'), psp.name, eventKey, reference, ours?.payoutId ?? null, ours?.attempt ?? null,
      claim, JSON.stringify(body), NOTHING_NEW, as?.state ?? null,
      psp.mode, as?.attemptState ?? null,
    ], // biome-ignore format: in the order of the parameters
  });
  const row = rows[0];
  if (!row) return { id: '', state: 'stored by a twin', place: undefined };
  const now = { state: row.payout_state, attempt: row.attempt, attemptState: row.attempt_state };
  const place = ours && row.payout_id !== null ? { ...ours, round: row.round, now } : undefined;
  return { id: row.id, state: row.state, place };
}

/**
 * A callback may overtake the reply to our own request: then a worker is about to write down what the reply said, and
 * the payout's workflow hears of nothing before it has. So the message waits here. If the reply says the same, nobody
 * needs to be told; otherwise each such payout would cost a signal and a look-up, which on a busy machine is every
 * payout. All together below the 5 s that common PSPs give a receiver; then it is handed on as it is.
 */
const LOOKS_AFTER_MS = [250, 500, 750, 1_000, 1_000];

const NOW = `SELECT p.round, p.state, p.attempt, ${attemptState('$2')} AS "attemptState" FROM payouts p WHERE p.id = $1`;

async function whenReplied(pool: Pool, place: Place): Promise<Place> {
  let latest = place;
  for (const waitMs of LOOKS_AFTER_MS) {
    if (latest.now.state !== 'SUBMITTING' || latest.now.attempt !== place.attempt) break;
    await sleep(waitMs);
    const { rows } = await pool.query<Now & { readonly round: number }>({
      name: 'payout_now',
      text: NOW,
      values: [place.payoutId, place.attempt],
    });
    const [now] = rows;
    if (now) latest = { ...place, round: now.round, now };
  }
  return latest;
}
