/**
 * The codec endpoint of the Temporal UI and CLI: payloads in a workflow's history are encrypted, and whoever holds an
 * admin key may have them shown. The UI calls `<endpoint>/decode` from the browser, across origins, with the headers
 * Content-Type and X-Namespace, and with our cookie where its setting "include cross-origin credentials" is on.
 * The protocol is Temporal's: payloads as protobuf JSON, so metadata values and data are base64.
 */
import type { Payload } from '@temporalio/common';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createPayloadCodec } from '../../temporal/codec.ts';
import { codecAuth, codecCors } from '../codecAccess.ts';
import type { ApiContext } from '../context.ts';
import { Problem } from '../problem.ts';

/** Protobuf JSON allows both alphabets of base64, with or without padding; Node reads all of them. */
const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64');

/** Looser than our own API: what newer UIs and CLIs add must not break it. */
const wirePayload = z.looseObject({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() });
type WirePayload = z.infer<typeof wirePayload>;

/** A page of history has some hundreds; a body of 1 MiB is the other limit. */
const PAYLOADS_MAX = 1_000;

const body = z.looseObject({ payloads: z.array(wirePayload).max(PAYLOADS_MAX) });

export function codecRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const codec = createPayloadCodec(context.config.encryptionKeys);
  const ways = { decode: codec.decode, encode: codec.encode } as const;

  return async (app) => {
    app.addHook('onRequest', codecCors(context));
    for (const way of ['decode', 'encode'] as const) {
      const url = `/${way}`;
      app.options(url, { schema: { hide: true } }, async (_request, reply) => reply.code(204).send());
      app.post(
        url,
        { onRequest: codecAuth(context), schema: { hide: true, body, querystring: z.looseObject({}) } },
        async (request) => {
          const converted = await ways[way](request.body.payloads.map(fromWire)).catch(() => {
            throw new Problem(
              400,
              'payload_unreadable',
              `A payload cannot be ${way}d: it was changed, or its key is not among ours any more.`,
            );
          });
          return { payloads: converted.map(toWire) };
        },
      );
    }
  };
}

function fromWire({ metadata = {}, data }: WirePayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    ...(data === undefined ? {} : { data: Buffer.from(data, 'base64') }),
  };
}

function toWire({ metadata, data }: Payload): WirePayload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, encode(value)])),
    ...(data ? { data: encode(data) } : {}),
  };
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
