/**
 * What Temporal stores of a payout is encrypted: payloads by AES-256-GCM, error messages and stack traces with them.
 * Ids, search attributes and workflow types stay readable: nothing secret goes there.
 */
import { fileURLToPath } from 'node:url';
import { type DataConverter, METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto'; // CommonJS without named exports that Node could see
import { type KeyRing, open, parseKeys, seal } from '../crypto/secretBox.ts';

const EncodedPayload = proto.temporal.api.common.v1.Payload;

const ENCODING = 'binary/encrypted';
const METADATA_KEY_ID = 'encryption-key-id';

/** Payloads that are not ours, such as a `decide` signal typed by an operator, pass through decoding as they are. */
export function createPayloadCodec(encryptionKeys: string): PayloadCodec {
  const keys = parseKeys(encryptionKeys);
  return {
    encode: async (payloads) => payloads.map((payload) => encodePayload(keys, payload)),
    decode: async (payloads) => payloads.map((payload) => decodePayload(keys, payload)),
  };
}

function encodePayload(keys: KeyRing, payload: Payload): Payload {
  return {
    metadata: { [METADATA_ENCODING_KEY]: encode(ENCODING), [METADATA_KEY_ID]: encode(keys.currentId) },
    data: seal(keys, EncodedPayload.encode(payload).finish()),
  };
}

function decodePayload(keys: KeyRing, payload: Payload): Payload {
  const encoding = payload.metadata?.[METADATA_ENCODING_KEY];
  if (!encoding || decode(encoding) !== ENCODING || !payload.data) return payload;
  const keyId = payload.metadata?.[METADATA_KEY_ID];
  return EncodedPayload.decode(open(keys, keyId ? decode(keyId) : '', payload.data));
}

/** By path, because the workflow bundle needs it too. */
export const failureConverterPath = fileURLToPath(new URL('./failureConverter.cjs', import.meta.url));

/** For every client and worker: without the failure converter, errors would carry messages in the clear. */
export function dataConverter(encryptionKeys: string): DataConverter {
  return { payloadCodecs: [createPayloadCodec(encryptionKeys)], failureConverterPath };
}
