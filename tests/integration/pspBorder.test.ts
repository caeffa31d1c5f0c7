/** Guards: whatever a PSP says, or where, it can be written down, and no other transfer's name is made of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { storableCallback, storableReply } from '../../src/psp/border.ts';
import type { PspReply } from '../../src/psp/port.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { signature } from '../../src/psp/sandbox/wire.ts';
import { storable, textFault } from '../../src/rules/text.ts';
import { emptyDatabase } from '../support/database.ts';
import { orderTo, patience } from '../support/sandbox.ts';
import { answering, closeServers } from '../support/servers.ts';

let database: Awaited<ReturnType<typeof emptyDatabase>>;
let client: pg.Client;
beforeAll(async () => {
  database = await emptyDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.stop();
  await closeServers();
});

/** Through PostgreSQL and back: text and jsonb. */
async function stored(value: unknown): Promise<unknown> {
  const { rows } = await client.query<{ text: string; json: unknown }>('SELECT $1::text AS text, $1::text::jsonb AS json', [
    JSON.stringify(value),
  ]);
  return rows[0]?.json;
}

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('\u0000', 'a\u0000b', '\ud800', '\udc00\ud800', 'x\n\u202ey', '', '✓', 'x'.repeat(100_000), '😀'.repeat(600)),
);

const failure = fc.record({ class: fc.constant('F' as const), code: anything, message: anything });
const reply: fc.Arbitrary<PspReply> = fc.oneof(
  fc.record({ kind: fc.constant('paid' as const), pspRef: anything }),
  fc.record({
    kind: fc.constant('accepted' as const),
    stage: fc.constant('held' as const),
    pspRef: anything,
    reason: fc.option(anything),
  }),
  fc.record({ kind: fc.constant('failed' as const), pspRef: fc.option(anything), failure }),
  fc.record({ kind: fc.constant('returned' as const), pspRef: anything, reason: anything }),
  fc.record({ kind: fc.constant('not_taken' as const), reason: anything, retryAfterMs: fc.constant(null) }),
  fc.record({ kind: fc.constant('mismatch' as const), pspRef: anything, detail: anything }),
  fc.record({ kind: fc.constant('unknown' as const), reason: anything }),
);

test('any text in any place of a reply can be stored, and comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(reply, async (said) => {
      const kept = storableReply(said);
      expect(await stored(kept)).toEqual(kept);
      if ('pspRef' in kept && 'pspRef' in said) expect(kept.pspRef).toBe(said.pspRef); // as it is, or not at all
    }),
    { numRuns: 300 },
  );
});

test('any text in any place of a callback can be stored', async () => {
  const callback = fc.record({
    eventKey: anything,
    reference: fc.option(anything),
    claim: anything,
    body: fc.oneof(anything, fc.dictionary(anything, anything, { maxKeys: 3 }), fc.array(anything, { maxLength: 3 })),
  });
  await fc.assert(
    fc.asyncProperty(callback, async (said) => {
      const kept = storableCallback(said, Buffer.from('raw'));
      await stored(kept.body);
      const { eventKey, reference, claim } = kept;
      await client.query('SELECT $1::text, $2::text, $3::text', [eventKey, reference, claim]);
      expect([said.reference, null]).toContain(reference);
      expect(eventKey.length).toBeLessThanOrEqual(200);
    }),
    { numRuns: 300 },
  );
});

test('one id for two events, of one transfer or of two, is two keys; the same event again is one', () => {
  const keyOf = (reference: string | null, claim: string, createdAt = '') =>
    storableCallback({ eventKey: 'evt_1', reference, claim, body: { createdAt } }, Buffer.from(createdAt)).eventKey;
  expect(new Set([keyOf('po_1:1', 'paid'), keyOf('po_1:1', 'returned'), keyOf('po_2:1', 'paid'), keyOf(null, 'paid')]).size).toBe(
    4,
  );
  expect(keyOf('po_1:1', 'paid', 'today')).toBe(keyOf('po_1:1', 'paid', 'tomorrow'));
});

test('a kept text has no fault, is no longer than allowed, and is kept again as it is', () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 0, max: 600 }), (text, max) => {
      const kept = storable(text, max);
      expect(textFault(kept)).toBeUndefined();
      expect([...kept].length).toBeLessThanOrEqual(max);
      expect(storable(kept, max)).toBe(kept);
    }),
  );
  expect(storable('Zahlung über 5 € – عائشہ 😀', 100)).toBe('Zahlung über 5 € – عائشہ 😀');
});

const registryAt = (baseUrl: string) =>
  createPspRegistry({ sandbox: { baseUrl, apiKey: 'key', webhookSecret: 'secret', timeoutMs: 1_000 } });

const order = orderTo('0001');
const transferOf = (over: object) =>
  JSON.stringify({
    ...{ id: 'sbt_1', reference: order.reference, status: 'held', reason: null, amount: '1500.00', currency: 'PKR' },
    ...{ destination: order.destination, createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' },
    ...over,
  });

test.each<[string, object, PspReply]>([
  ['a reason with NUL', { reason: 'look\u0000 here' }, { kind: 'accepted', stage: 'held', pspRef: 'sbt_1', reason: 'look here' }],
  ['a name with NUL', { id: 'sbt_\u00001' }, { kind: 'unknown', reason: 'the name of the transfer is unreadable' }],
  ['a name without end', { id: 'x'.repeat(3_000) }, { kind: 'unknown', reason: 'the name of the transfer is unreadable' }],
  [
    'a reason that every object has',
    { status: 'failed', reason: 'constructor' },
    {
      kind: 'failed',
      pspRef: 'sbt_1',
      failure: { class: 'F', code: 'declined_by_psp', message: 'The payment provider declined the payment.' },
    },
  ],
])('the PSP says %s: our books can say it', async (_what, over, wanted) => {
  const psps = registryAt(await answering(200, transferOf(over)));
  expect(await psps.byName('sandbox', 'test')?.submit(order, patience())).toEqual(wanted);
  expect(await psps.byName('sandbox', 'test')?.lookUp(order, patience())).toEqual(wanted);
  await psps.close();
});

test('a callback whose name holds NUL is kept under its bytes', async () => {
  const psps = registryAt('http://127.0.0.1:1');
  const data = { id: 'sbt_1', reference: 'po_1:1', status: 'paid', amount: '1', currency: 'PKR', reason: 'a\u0000b' };
  const raw = Buffer.from(JSON.stringify({ id: 'sbe_\u0000', type: 'transfer.paid', createdAt: '', data }));
  const callback = psps.byName('sandbox', 'test')?.parseCallback(raw, { 'x-signature': signature(raw, 'secret') });
  expect(callback).toMatchObject({ reference: 'po_1:1', claim: 'paid', body: { base64: raw.toString('base64') } });
  expect(callback?.eventKey).toMatch(/^sha256:[0-9a-f]{64} po_1:1 paid$/);
  await psps.close();
});

test('the border hides nothing of a connector', () => {
  const psps = createPspRegistry({
    sandbox: { baseUrl: 'http://127.0.0.1:1', apiKey: 'k', webhookSecret: 's', timeoutMs: 1 },
    flutterwave: [
      { mode: 'test', baseUrl: 'http://127.0.0.1:1/v3', secretKey: 'k', webhookHash: 'h', referenceSuffix: '', timeoutMs: 1 },
    ],
  });
  const shape = (name: string) => Object.keys(psps.byName(name, 'test') ?? {}).sort();
  expect(shape('sandbox')).toEqual(['lookUp', 'name', 'parseCallback', 'submit', 'verifyAccount']);
  expect(shape('flutterwave')).toEqual(['account', 'lookUp', 'name', 'parseCallback', 'submit', 'verifyAccount']);
});
