/**
 * What Temporal stores of a payout is encrypted: payloads by AES-256-GCM, error messages and stack traces with them.
 * Ids, search attributes and workflow types stay readable: nothing secret goes there.
 *
 * Each payload is encrypted for its workflow, and for its activity where it is one's: the two ids stand in its metadata
 * and in the cipher's additional data, so that a copy of it says nothing elsewhere.
 */
import { fileURLToPath } from 'node:url';
import {
  type DataConverter,
  METADATA_ENCODING_KEY,
  type Payload,
  type PayloadCodec,
  type SerializationContext,
} from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto'; // CommonJS without named exports that Node could see
import protobuf from 'protobufjs';
import { type KeyRing, open, parseKeys, seal } from '../crypto/secretBox.ts';
import { marked, type Unsigned } from './rules/unsigned.ts';

const EncodedPayload = proto.temporal.api.common.v1.Payload;

const ENCODING = 'binary/encrypted';
const METADATA_KEY_ID = 'encryption-key-id';
const METADATA_WORKFLOW_ID = 'workflow-id';
const METADATA_ACTIVITY_ID = 'activity-id';

/** Of a plain payload no more is handed on: the signal `decide` is short, and whatever else is plain is refused. */
const PLAIN_MAX_BYTES = 8_192;

interface Place {
  readonly workflowId: string;
  readonly activityId: string;
}

/** Never throws on what it cannot decrypt: it marks it (src/temporal/rules/unsigned.ts). */
export function createPayloadCodec(encryptionKeys: string): PayloadCodec {
  const keys = parseKeys(encryptionKeys);
  return {
    encode: async (payloads, context) => payloads.map((payload) => encodePayload(keys, payload, placeOf(context))),
    decode: async (payloads, context) => payloads.map((payload) => decodePayload(keys, payload, placeOf(context))),
  };
}

/** For people's eyes: opens a payload wherever it was copied to. What is not encrypted is there to be read already. */
export function createPayloadReader(encryptionKeys: string): (payload: Payload) => Payload {
  const keys = parseKeys(encryptionKeys);
  return (payload) => (isEncrypted(payload) ? decodePayload(keys, payload, placeIn(payload)) : payload);
}

const placeOf = (context: SerializationContext | undefined): Place => ({
  workflowId: context?.workflowId ?? '',
  activityId: (context?.type === 'activity' ? context.activityId : undefined) ?? '',
});

const placeIn = (payload: Payload): Place => ({
  workflowId: metadataOf(payload, METADATA_WORKFLOW_ID),
  activityId: metadataOf(payload, METADATA_ACTIVITY_ID),
});

/** As JSON: no id can be made up so that two places read the same. */
const nameOf = ({ workflowId, activityId }: Place): string => JSON.stringify([workflowId, activityId]);

function encodePayload(keys: KeyRing, payload: Payload, place: Place): Payload {
  return {
    metadata: {
      [METADATA_ENCODING_KEY]: encode(ENCODING),
      [METADATA_KEY_ID]: encode(keys.currentId),
      [METADATA_WORKFLOW_ID]: encode(place.workflowId),
      ...(place.activityId === '' ? {} : { [METADATA_ACTIVITY_ID]: encode(place.activityId) }),
    },
    data: seal(keys, EncodedPayload.encode(payload).finish(), nameOf(place)),
  };
}

function decodePayload(keys: KeyRing, payload: Payload, place: Place): Payload {
  if (!isEncrypted(payload)) return markedPayload('it is not encrypted', plainValueOf(payload));
  const keyId = metadataOf(payload, METADATA_KEY_ID);
  if (!keys.byId.has(keyId)) return markedPayload('no key of ours has the name of its own');
  try {
    return EncodedPayload.decode(open(keys, keyId, payload.data ?? new Uint8Array(), nameOf(place)));
  } catch {
    return markedPayload('it was changed, or encrypted for another workflow');
  }
}

const isEncrypted = (payload: Payload): boolean => metadataOf(payload, METADATA_ENCODING_KEY) === ENCODING;

function metadataOf({ metadata }: Payload, name: string): string {
  const value = metadata?.[name];
  return value ? Buffer.from(value).toString('utf8') : ''; // a stranger's may be no UTF-8: here that is no error
}

function plainValueOf(payload: Payload): unknown {
  if (metadataOf(payload, METADATA_ENCODING_KEY) !== 'json/plain' || !payload.data) return undefined;
  if (payload.data.length > PLAIN_MAX_BYTES) return undefined;
  try {
    return JSON.parse(decode(payload.data));
  } catch {
    return undefined;
  }
}

function markedPayload(why: Unsigned, value?: unknown): Payload {
  return {
    metadata: { [METADATA_ENCODING_KEY]: encode('json/plain') },
    data: encode(JSON.stringify(marked(why, value))),
  };
}

/** By path, because the workflow bundle needs it too. */
export const failureConverterPath = fileURLToPath(new URL('./failureConverter.cjs', import.meta.url));

/**
 * How deep messages may be nested that the server hands over. A stranger can fail an activity with causes in causes: at the
 * library's own limit (100) a worker that decodes its task would end, and the next one after it. The SDK's threads of
 * workflows keep that limit: there it only fails the one task (docs/runbook.md, Temporal's other buttons).
 */
const NESTED_AT_MOST = 1_000;

function readDeepFailures(): void {
  protobuf.Reader.recursionLimit = NESTED_AT_MOST;
  protobuf.util.recursionLimit = NESTED_AT_MOST;
}

/** For every client and worker: without the failure converter, errors would carry messages in the clear. */
export function dataConverter(encryptionKeys: string): DataConverter {
  readDeepFailures();
  return { payloadCodecs: [createPayloadCodec(encryptionKeys)], failureConverterPath };
}
