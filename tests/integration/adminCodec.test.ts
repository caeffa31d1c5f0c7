/** The codec endpoint: the Temporal UI shows payloads to admins, in the browser and on the command line, and to nobody else. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { createPayloadCodec } from '../../src/temporal/codec.ts';
import { signedIn } from '../support/consoleSession.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';

const UI = 'http://127.0.0.1:8233';
const SECRET = '12345678900001';
const PLACE = { type: 'workflow', namespace: 'default', workflowId: 'payout/po_1' } as const;

let w: DoorWorld;
let sealed: { payloads: unknown[] };
beforeAll(async () => {
  w = await openDoorWorld({ TEMPORAL_UI_URL: `${UI}/` });
  const plain = {
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify({ accountNumber: SECRET, amount: '100' })),
  };
  sealed = { payloads: (await createPayloadCodec(ENCRYPTION_KEYS).encode([plain], PLACE)).map(toWire) };
});
afterAll(() => w.stop());

const toWire = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
const textOf = (payload: unknown): string => Buffer.from((payload as { data: string }).data, 'base64').toString('utf8');

/** As UI 2.54 asks from the browser: `<endpoint>/decode?preserveStorageRefs=true`, across origins. */
const decode = (headers: Record<string, string>, body: unknown = sealed) =>
  w.call<{ payloads: unknown[]; code?: string }>('POST', '/codec/decode?preserveStorageRefs=true', {
    headers: { 'content-type': 'application/json', 'x-namespace': 'default', ...headers },
    body,
  });
/** The cookie of the console, as a browser sends it. */
const signIn = async (key: string): Promise<string> => (await signedIn(w, key)).cookie;

describe('with a key', () => {
  test('any admin’s key opens payloads, by either header; a viewer reads four digits of an account', async () => {
    for (const [role, { key }] of Object.entries(w.admins)) {
      for (const headers of [{ 'x-api-key': key }, { authorization: `Bearer ${key}` }]) {
        const { status, body } = await decode(headers);
        expect(status).toBe(200);
        const shown = role === 'viewer' ? `…${SECRET.slice(-4)}` : SECRET;
        expect(JSON.parse(textOf(body.payloads[0]))).toEqual({ accountNumber: shown, amount: '100' });
      }
    }
  });

  test('no merchant’s key, no unknown key and no key opens any', async () => {
    expect((await decode({ 'x-api-key': w.a.key })).status).toBe(403);
    for (const headers of [
      {},
      { 'x-api-key': 'ak_nobody_nobody' },
      { authorization: 'Bearer of-another-system' },
      { cookie: 'theme=dark' },
    ]) {
      const { status, text } = await decode(headers as Record<string, string>);
      expect(status).toBe(401);
      expect(text).not.toContain(SECRET);
    }
  });

  test('nobody has a payload encrypted here for a workflow, whose workers would believe it; what is not ours passes through', async () => {
    const headers = { 'x-api-key': w.admins.admin.key };
    const plain = {
      payloads: [
        { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: Buffer.from('{"a":1}').toString('base64') },
      ],
    };
    expect((await w.call('POST', '/codec/encode', { headers, body: plain })).body).toEqual(plain);
    expect((await w.call('POST', '/codec/encode', { headers, body: sealed })).body).toEqual(sealed);
    expect((await decode(headers, plain)).body).toEqual(plain);
    expect((await decode(headers, { payloads: [] })).body).toEqual({ payloads: [] });
    expect((await decode(headers, { payloads: [{ metadata: {}, externalPayloads: [] }] })).status).toBe(200);
  });

  test('a payload that was changed, or is none, hides no other one, and says why it cannot be read', async () => {
    const headers = { 'x-api-key': w.admins.operator.key };
    const [first] = sealed.payloads as { metadata: Record<string, string>; data: string }[];
    const moved = { ...first, metadata: { ...first?.metadata, 'workflow-id': Buffer.from('payout/po_2').toString('base64') } };
    const changed = { ...first, data: Buffer.from('changed '.repeat(9)).toString('base64') };
    const otherKey = { ...first, metadata: { ...first?.metadata, 'encryption-key-id': Buffer.from('gone').toString('base64') } };
    const { status, body } = await decode(headers, { payloads: [moved, changed, otherKey, first] });
    expect(status).toBe(200);
    expect(body.payloads.map(textOf)).toEqual([
      expect.stringContaining('encrypted for another workflow'),
      expect.stringContaining('it was changed'),
      expect.stringContaining('no key of ours'),
      expect.stringContaining(SECRET),
    ]);
    for (const body of [{}, { payloads: [7] }, { payloads: [{ data: '§' }] }])
      expect((await decode(headers, body)).status).toBe(400);
  });
});

describe('from the Temporal UI in a browser', () => {
  test('the UI’s own pages may ask and read, with the cookie; pages of other origins may not', async () => {
    const preflight = await w.app.inject({
      method: 'OPTIONS',
      url: '/codec/decode?preserveStorageRefs=true',
      headers: {
        origin: UI,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-namespace',
      },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': expect.stringContaining('x-namespace'),
      vary: expect.stringContaining('Origin'),
    });
    const cookie = await signIn(w.admins.viewer.key);
    const read = await decode({ origin: UI, cookie });
    expect(read.status).toBe(200);
    expect(read.headers).toMatchObject({ 'access-control-allow-origin': UI, 'access-control-allow-credentials': 'true' });

    for (const origin of ['http://127.0.0.1:9999', 'http://localhost:8233', 'https://evil.example', 'null']) {
      const foreign = await decode({ origin, cookie });
      expect([origin, foreign.status]).toEqual([origin, 403]);
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await decode({ cookie })).status).toBe(403); // a plain form of our own site
    const unsigned = await decode({ origin: UI });
    expect([unsigned.status, unsigned.headers['access-control-allow-origin']]).toEqual([401, UI]); // so that the UI can say why
  });

  test('a merchant who is signed in to the console opens no payload', async () => {
    const refused = await decode({ origin: UI, cookie: await signIn(w.a.key) });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
  });

  test('what the console ends, ends here: the session, its key, its admin', async () => {
    const own = await w.admin('viewer');
    const session = await signedIn(w, own.key);
    const headers = { origin: UI, cookie: await signIn(own.key) };
    const out = await w.call('DELETE', '/console/session', { headers: session.headers });
    expect(out.status).toBe(204);
    expect((await decode({ origin: UI, cookie: session.cookie })).status).toBe(401);
    expect((await decode(headers)).status).toBe(200);
    await w.books.db.owner.query('UPDATE admins SET active = false WHERE id = $1', [own.id]);
    expect((await decode(headers)).status).toBe(401);
    await w.books.db.owner.query('UPDATE admins SET active = true WHERE id = $1', [own.id]);
    await w.call('DELETE', `/api/admin/api-keys/${own.keyId}`, { key: w.admins.admin.key });
    expect((await decode(headers)).status).toBe(401);
  });
});
