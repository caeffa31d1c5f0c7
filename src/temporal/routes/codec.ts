/**
 * The codec endpoint of the Temporal UI and CLI: payloads in a workflow's history are encrypted, and whoever holds an
 * admin key may have them shown. The UI calls `<endpoint>/decode` from the browser, across origins, with the headers
 * Content-Type and X-Namespace, and with the console's cookie where its setting "include cross-origin credentials" is on.
 * The protocol is Temporal's: payloads as protobuf JSON, so metadata values and data are base64.
 */
import type { Payload } from '@temporalio/common';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { adminOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { withoutAccountNumbers } from '../../http/masking.ts';
import { mayAct } from '../../rules/roles.ts';
import { createPayloadReader } from '../codec.ts';
import { codecAuth, codecCors } from './codecAccess.ts';

/** Protobuf JSON allows both alphabets of base64, with or without padding; Node reads all of them. */
const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64');

/** Looser than our own API: what newer UIs and CLIs add must not break it. */
const wirePayload = z.looseObject({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() });
type WirePayload = z.infer<typeof wirePayload>;

/** A page of history has some hundreds; a body of 1 MiB is the other limit. */
const PAYLOADS_MAX = 1_000;

const body = z.looseObject({ payloads: z.array(wirePayload).max(PAYLOADS_MAX) });

export function codecRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const read = createPayloadReader(context.config.encryptionKeys);
  const options = { onRequest: codecAuth(context), schema: { hide: true, body, querystring: z.looseObject({}) } };

  return async (app) => {
    app.addHook('onRequest', codecCors(context));
    for (const url of ['/decode', '/encode']) {
      app.options(url, { schema: { hide: true } }, async (_request, reply) => reply.code(204).send());
    }

    app.post('/decode', options, async (request) => {
      const shown = mayAct(adminOf(request).role, ACCOUNTS_SHOWN_TO)
        ? read
        : (payload: Payload) => withMaskedAccounts(read(payload));
      return { payloads: request.body.payloads.map((payload) => toWire(shown(fromWire(payload)))) };
    });

    // What was encrypted here for a workflow, its workers would believe. The UI sends plain signals, which is all it needs.
    app.post('/encode', options, async ({ body: { payloads } }) => ({ payloads }));
  };
}

/** The admin API's answers hold no account number in full; whoever works with payouts may need one. */
const ACCOUNTS_SHOWN_TO = 'operator';

function withMaskedAccounts(payload: Payload): Payload {
  const { metadata, data } = payload;
  if (Buffer.from(metadata?.['encoding'] ?? []).toString() !== 'json/plain' || !data) return payload;
  try {
    const masked = withoutAccountNumbers(JSON.parse(Buffer.from(data).toString('utf8')));
    return { ...payload, data: Buffer.from(JSON.stringify(masked)) };
  } catch {
    return payload; // not JSON after all: not ours
  }
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
