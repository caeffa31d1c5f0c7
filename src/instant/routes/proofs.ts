/** Proofs: the screenshot and the UTR by which a payer shows that a slice was paid, and what was shown. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { adminAuth, merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import type { Intake } from '../../http/plugins/intake.ts';
import { type FieldError, invalidRequest, notFound, Problem } from '../../http/problem.ts';
import { isId } from '../../rules/ids.ts';
import { newId } from '../../rules/newId.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { type ImageFault, readImage } from '../images/screenshot.ts';
import { presentBatchTo, presentPayin } from '../present/instantPayout.ts';
import { batchSchema, payinSchema } from '../present/schemas.ts';
import { imageOf } from '../reads.ts';
import { type Proven, prove, type Shown } from '../useCases/prove.ts';

const { read, write } = documented('instant payouts');

const MIB = 1024 * 1024;
const IMAGE_MOST = 5 * MIB;
const FORM = 'multipart/form-data';

export const UPLOAD: Intake = {
  types: [FORM],
  limitBytes: IMAGE_MOST + 64 * 1024, // the form around it
  timeoutMs: 60_000, // a phone on a bad line
  parse: (whole) => whole,
};

export const proofSchema = z.object({ batch: batchSchema, payin: payinSchema }).meta({ id: 'InstantProof' });

/** Whatever it is, no browser runs it or takes it for something else. */
const IMAGE_HEADERS = {
  'content-type': 'image/jpeg',
  'x-content-type-options': 'nosniff',
  'content-disposition': 'inline; filename="proof.jpg"',
  'content-security-policy': "default-src 'none'; sandbox",
  'cache-control': 'private, no-store',
} as const;

/** For the document. */
const imageAnswer = {
  description: 'The image, written anew',
  content: { 'image/jpeg': { schema: z.unknown() } },
} as unknown as z.ZodType;

const FAULTS: Readonly<Record<ImageFault, string>> = {
  not_an_image: 'Must be a PNG, JPEG or WebP image, by its bytes.',
  too_many_pixels: 'Has too many pixels to be a screenshot.',
};

interface Form {
  readonly image: Buffer;
  readonly utr: string;
  readonly payinId: string | undefined;
}

export function proofRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/instant-payouts/batches/:id/screenshot',
      {
        onRequest: merchantAuth(context, 'instant:write'), // also where the flow is switched off: what runs, goes on
        config: { intake: UPLOAD },
        schema: {
          params: byId,
          querystring: noQuery,
          ...keyed,
          ...write(
            'Show that a slice was paid: multipart/form-data with `image` (PNG, JPEG or WebP, at most 5 MiB), `utr` and, if it is not the newest of yours, `payinId`',
            202,
            proofSchema,
          ),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        const { id: batchId } = request.params;
        return await takeProof(context, request, reply, {
          path: request.url.split('?', 1)[0] ?? '',
          of: async ({ payinId }) => ({ ...tenant, batchId, payinId, actor: `merchant:${tenant.merchantId}` }),
        });
      },
    );

    app.get(
      '/instant-payouts/batches/:id/proof',
      {
        onRequest: merchantAuth(context, 'instant:read'),
        schema: {
          params: byId,
          querystring: noQuery,
          ...read('The screenshot of a slice, for the payee’s merchant and for the payer’s that showed it', imageAnswer, 410),
        },
      },
      async (request, reply) =>
        await sendImage(
          context,
          reply,
          await imageOf(context.pool, request.params.id, { tenant: tenantOf(merchantOf(request)) }),
        ),
    );
  };
}

interface Taking {
  /** Under which a repeat counts as the same request. */
  readonly path: string;
  /** Of which assignment it is the proof, and who shows it. @throws Problem */
  of(form: Form): Promise<Omit<Shown, 'utr' | 'image'>>;
}

/** A proof as it comes, from a merchant's server or a payer's page: looked at, kept, written down. */
export async function takeProof(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { path, of }: Taking,
): Promise<FastifyReply> {
  const form = await readForm(request.body, request.headers['content-type']);
  return await once(context, request, reply, {
    allot: () => newId('req'),
    path,
    fingerprint: digestOf(form),
    async execute() {
      const read = await readImage(form.image);
      if (!read.ok) throw invalidRequest([{ pointer: '/image', code: read.fault, detail: FAULTS[read.fault] }]);
      return answerOf(await prove(context, { ...(await of(form)), utr: form.utr, image: read.image }));
    },
  });
}

/** @throws Problem 404, or 410 once it was deleted: that the books know, also while the store is away. */
async function sendImage({ images }: ApiContext, reply: FastifyReply, image: Awaited<ReturnType<typeof imageOf>>) {
  if (!image) throw notFound();
  const bytes = image.isDeleted ? undefined : await images.read(image.hash);
  if (!bytes) throw new Problem(410, 'image_deleted', 'This image was deleted; its hash is kept.');
  return await reply.headers(IMAGE_HEADERS).send(bytes);
}

/** The same for whoever decides. */
export function adminProofRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/instant-payouts/batches/:id/proof',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          params: byId,
          querystring: z.strictObject({
            payinId: word.optional().meta({ description: 'Whose: somebody who had the slice before may have shown one late' }),
          }),
          ...documented('admin').read('The newest screenshot of a slice, or that of one payin', imageAnswer, 410),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        return await sendImage(context, reply, isId('ipb', id) ? await imageOf(context.pool, id, request.query) : undefined);
      },
    );
  };
}

/** What tells it from another under the same key: boundaries differ with every try of a client. */
const digestOf = ({ image, utr, payinId }: Form): string =>
  createHash('sha256')
    .update(JSON.stringify([utr, payinId ?? null]))
    .update(image)
    .digest('hex');

const FIELDS: ReadonlySet<string> = new Set(['image', 'utr', 'payinId']);

/** Every fault at once. @throws Problem 400 */
async function readForm(whole: unknown, contentType: string | undefined): Promise<Form> {
  const form = await parse(whole, contentType);
  const errors: FieldError[] = [];
  for (const name of new Set(form.keys())) {
    const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!FIELDS.has(name)) errors.push({ pointer, code: 'unknown_field', detail: 'There is no such field.' });
    else if (form.getAll(name).length > 1) errors.push({ pointer, code: 'duplicate', detail: 'Send it once.' });
  }
  const image = form.get('image');
  const utr = form.get('utr');
  const payinId = form.get('payinId') ?? undefined;
  if (!(image instanceof Blob))
    errors.push({ pointer: '/image', code: image === null ? 'missing' : 'invalid_type', detail: 'Must be a file.' });
  else if (image.size > IMAGE_MOST) errors.push({ pointer: '/image', code: 'too_big', detail: 'Must have at most 5 MiB.' });
  if (typeof utr !== 'string')
    errors.push({ pointer: '/utr', code: utr === null ? 'missing' : 'invalid_type', detail: 'Must be a text.' });
  if (payinId !== undefined && !isId('pin', payinId))
    errors.push({ pointer: '/payinId', code: 'invalid_id', detail: 'This is no payin’s id.' });
  if (errors.length > 0 || !(image instanceof Blob) || typeof utr !== 'string') throw invalidRequest(errors);
  return { image: Buffer.from(await image.arrayBuffer()), utr, payinId: typeof payinId === 'string' ? payinId : undefined };
}

/** By the parser of Node's own fetch, which takes boundaries as browsers and HTTP libraries make them. @throws Problem 400 */
async function parse(whole: unknown, contentType = FORM): Promise<FormData> {
  try {
    const body = Buffer.isBuffer(whole) ? new Uint8Array(whole) : new Uint8Array();
    return await new Response(body, { headers: { 'content-type': contentType } }).formData();
  } catch {
    const detail = 'The body is no multipart/form-data with a boundary of 27 to 70 characters.';
    throw new Problem(400, 'malformed_multipart', detail, { errors: [{ pointer: '', code: 'malformed_multipart', detail }] });
  }
}

export const noTurn = (): Problem => new Problem(409, 'wrong_state', 'This payin has no turn at this slice.');

function answerOf(answer: Proven): Answer {
  switch (answer.outcome) {
    case 'not_found':
      throw notFound();
    case 'invalid_utr': {
      const detail =
        'Must be the UTR of a payment to this payee: 12 digits (UPI, IMPS), or 16 or 22 letters and digits (NEFT, RTGS).';
      throw invalidRequest([{ pointer: '/utr', code: 'invalid_utr', detail }]);
    }
    case 'not_assigned':
      throw noTurn();
    case 'utr_used':
      throw new Problem(409, 'utr_used', 'This UTR was shown before: one payment pays one slice.');
    case 'proof_exists':
      throw new Problem(409, 'proof_exists', 'Another proof was shown for this payin.');
    default:
      return { status: 202, body: { batch: presentBatchTo(answer.payin.id, answer.batch), payin: presentPayin(answer.payin) } };
  }
}
