/** A payload says something in the one place that it was encrypted for; elsewhere, and changed, it is marked, never an error. */
import { expect, test } from '@jest/globals';
import { defaultPayloadConverter, type Payload, type SerializationContext } from '@temporalio/common';
import { createPayloadCodec, createPayloadReader } from '../../src/temporal/codec.ts';
import { unsigned, whyUnsigned } from '../../src/temporal/rules/unsigned.ts';

const key = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`;
const codec = createPayloadCodec(key('k1', 7));
const workflow = (workflowId: string): SerializationContext => ({ type: 'workflow', namespace: 'default', workflowId });
const activity = (workflowId: string, activityId: string): SerializationContext => ({
  ...{ type: 'activity', namespace: 'default', isLocal: false },
  workflowId,
  activityId,
});
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value) as Payload;

async function sealed(value: unknown, context: SerializationContext): Promise<Payload> {
  const [payload] = await codec.encode([payloadOf(value)], context);
  return payload as Payload;
}

async function read(payload: Payload, context?: SerializationContext, by = codec): Promise<unknown> {
  const [decoded] = await by.decode([payload], context);
  return defaultPayloadConverter.fromPayload(decoded as Payload);
}

const why = (value: unknown) => {
  const mark = unsigned(value);
  return mark && whyUnsigned(mark);
};

const PAID = { type: 'paid' };

test('it opens where it belongs, and its workflow can be read beside it', async () => {
  const payload = await sealed(PAID, workflow('payout/po_1'));
  expect(await read(payload, workflow('payout/po_1'))).toEqual(PAID);
  expect(Buffer.from(payload.metadata?.['workflow-id'] ?? []).toString()).toBe('payout/po_1');
});

test.each([
  ['another workflow', workflow('payout/po_2')],
  ['an activity of its workflow', activity('payout/po_1', '1')],
  ['a workflow whose id is made up to look the same', workflow('payout/po_1"],["1')],
  ['no place at all', undefined],
])('copied to %s it is nobody’s word', async (_, place) => {
  const payload = await sealed(PAID, workflow('payout/po_1'));
  expect(why(await read(payload, place))).toBe('it was changed, or encrypted for another workflow');
  const metadata = { ...payload.metadata, 'workflow-id': Buffer.from(place?.workflowId ?? '') };
  expect(why(await read({ ...payload, metadata }, place))).toBe('it was changed, or encrypted for another workflow');
});

test('an activity’s is for that activity', async () => {
  const payload = await sealed(PAID, activity('payout/po_1', '1'));
  expect(await read(payload, activity('payout/po_1', '1'))).toEqual(PAID);
  expect(why(await read(payload, activity('payout/po_1', '2')))).toBeDefined();
  expect(why(await read(payload, workflow('payout/po_1')))).toBeDefined();
});

test('a plain one is marked, and still says what it says', async () => {
  const said = await read(payloadOf({ admin: 'adm_1' }), workflow('payout/po_1'));
  expect(why(said)).toBe('it is not encrypted');
  expect(unsigned(said)?.value).toEqual({ admin: 'adm_1' });
  expect(why(await read(payloadOf({ $unsigned: null }), workflow('x')))).toBe('it is not encrypted');
});

test('nothing that a stranger sends is an error', async () => {
  const good = await sealed(PAID, workflow('payout/po_1'));
  const bytes = (text: string) => Buffer.from(text);
  const strange: Payload[] = [
    {},
    { metadata: {}, data: bytes('x') },
    { metadata: { encoding: bytes('binary/encrypted') } },
    { metadata: { encoding: bytes('binary/encrypted'), 'encryption-key-id': bytes('k1') }, data: bytes('short') },
    { metadata: { encoding: bytes('binary/encrypted'), 'encryption-key-id': bytes('__proto__') }, data: bytes('x') },
    { metadata: { encoding: Buffer.from([0xff, 0xfe]) }, data: bytes('x') },
    { metadata: { encoding: bytes('json/plain') }, data: bytes('{') },
    { metadata: { encoding: bytes('json/plain') }, data: bytes('['.repeat(1_000_000)) },
    { ...good, data: bytes('changed '.repeat(9)) },
  ];
  for (const payload of strange) expect(why(await read(payload, workflow('payout/po_1')))).toBeDefined();
});

test('that a key is gone is told apart: it may come back', async () => {
  const other = createPayloadCodec(key('k2', 8));
  const payload = await sealed(PAID, workflow('payout/po_1'));
  expect(why(await read(payload, workflow('payout/po_1'), other))).toBe('no key of ours has the name of its own');
  const both = createPayloadCodec(`${key('k2', 8)},${key('k1', 7)}`);
  expect(await read(payload, workflow('payout/po_1'), both)).toEqual(PAID);
});

test('people read it wherever it is, for the place that it names', async () => {
  const reader = createPayloadReader(key('k1', 7));
  const payload = await sealed(PAID, activity('payout/po_1', '3'));
  expect(defaultPayloadConverter.fromPayload(reader(payload))).toEqual(PAID);
  expect(reader(payloadOf('plain'))).toEqual(payloadOf('plain'));
  const moved = { ...payload, metadata: { ...payload.metadata, 'workflow-id': Buffer.from('payout/po_2') } };
  expect(why(defaultPayloadConverter.fromPayload(reader(moved)))).toBeDefined();
});
