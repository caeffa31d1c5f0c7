/** Where screenshots are kept: a folder, and a bucket behind a real server of S3's API. Both keep the same promises. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { formOf, screenshot } from '../../harness/screenshots.ts';
import { createImageStore, type ImagePlace } from '../../src/instant/images/place.ts';
import { ImageStoreAway } from '../../src/instant/images/store.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, openDoor } from '../support/door.ts';
import { newUtr } from '../support/instant.ts';
import { type S3Server, startS3Server } from '../support/s3Server.ts';

let folder: string;
let s3: S3Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-'));
  s3 = await startS3Server();
});
afterAll(async () => {
  await s3.remove();
  await rm(folder, { recursive: true, force: true });
});

const bucket = (change: object = {}): ImagePlace => ({ kind: 'bucket', ...s3.bucket, ...change });

function anImage(): { hash: string; bytes: Buffer } {
  const bytes = randomBytes(200_000);
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
}

describe.each<[string, () => ImagePlace]>([
  ['a folder', () => ({ kind: 'folder', folder })],
  ['a bucket', () => bucket()],
])('%s', (_, place) => {
  test('a screenshot that was kept is read by any other process, byte for byte; kept again it is the same', async () => {
    const image = anImage();
    const store = createImageStore(place());
    expect(await store.read(image.hash)).toBeUndefined();
    await store.keep(image);
    await Promise.all([store.keep(image), store.keep(image)]);
    expect((await createImageStore(place()).read(image.hash))?.equals(image.bytes)).toBe(true);
  });

  test('one that was removed is gone, and removed again is nothing; the others stay', async () => {
    const [gone, stays] = [anImage(), anImage()];
    const store = createImageStore(place());
    await store.keep(gone);
    await store.keep(stays);
    await store.remove(gone.hash);
    await store.remove(gone.hash);
    expect(await store.read(gone.hash)).toBeUndefined();
    expect((await store.read(stays.hash))?.equals(stays.bytes)).toBe(true);
  });

  test('what is no hash never becomes a path', async () => {
    const store = createImageStore(place());
    for (const hash of ['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(63)}/`])
      for (const ask of [() => store.read(hash), () => store.remove(hash), () => store.keep({ hash, bytes: Buffer.from('x') })])
        await expect((async () => await ask())()).rejects.toThrow('not the hash of an image');
  });
});

test('a bucket that is away, forgotten, or of another key says so, and nobody takes it for an image that was deleted', async () => {
  const image = anImage();
  await createImageStore(bucket()).keep(image);
  const wrongKey = createImageStore(bucket({ secretAccessKey: 'another' }));
  await expect(wrongKey.keep(image)).rejects.toThrow(ImageStoreAway);
  await expect(wrongKey.read(image.hash)).rejects.toThrow(ImageStoreAway);
  await expect(wrongKey.remove(image.hash)).rejects.toThrow(ImageStoreAway);
  const unknown = createImageStore(bucket({ url: s3.bucket.url.replace('/proofs/', '/nobodys/') }));
  await expect(unknown.keep(image)).rejects.toThrow(ImageStoreAway);
  await s3.stop();
  await expect(createImageStore(bucket()).read(image.hash)).rejects.toThrow(ImageStoreAway);
  await s3.start();
  expect((await createImageStore(bucket()).read(image.hash))?.equals(image.bytes)).toBe(true);
});

test('a folder in which nothing can be written says so', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await chmod(file, 0o400);
  const store = createImageStore({ kind: 'folder', folder: file });
  await expect(store.keep(anImage())).rejects.toThrow(ImageStoreAway);
});

describe('while the store is away', () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor({
      env: {
        PROOFS_S3_URL: s3.bucket.url,
        PROOFS_S3_ACCESS_KEY_ID: s3.bucket.accessKeyId,
        PROOFS_S3_SECRET_ACCESS_KEY: s3.bucket.secretAccessKey,
      },
      instant: { lookAtInstantPayout: async () => {}, lookAtBatch: async () => {}, lookAtPayin: async () => {} },
    });
  });
  afterAll(() => door.stop());

  test('a payer’s proof is refused until later, nothing of it is written, and the same key shows it afterwards', async () => {
    const { id: merchantId, key } = await door.merchant();
    await fund(door.context, { merchantId, mode: 'test', currency: 'INR', amountMinor: '1000000', externalId: newId('ext') });
    const post = async (path: string, body: object) => (await door.call('POST', `/api/v1${path}`, { key, body })).body;
    const [payee, payer] = [await post('/users', { externalId: 'payee' }), await post('/users', { externalId: 'payer' })];
    await post(`/users/${payee.id}/credit`, { amount: '1000', currency: 'INR', externalId: 'won' });
    const asked = {
      userId: payee.id,
      amount: '1000',
      currency: 'INR',
      reference: 'w-1',
      payee: { type: 'upi', upiId: 'asha@okhdfc' },
    };
    const [{ id: batchId }] = (await post('/instant-payouts', asked)).batches;
    await post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer.id });
    const form = await formOf({ image: await screenshot(), utr: newUtr() });
    const show = () =>
      door.call('POST', `/api/v1/instant-payouts/batches/${batchId}/screenshot`, { key, ...form, idempotencyKey: 'show-1' });

    await s3.stop();
    const refused = await show();
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([503, 'service_unavailable', '2']);
    expect(refused.body.detail).toMatch(/^The store of screenshots does not answer/);
    const { rows } = await door.db.owner.query('SELECT * FROM instant_proofs');
    expect(rows).toEqual([]);
    await s3.start();
    const shown = await show();
    expect([shown.status, shown.body.batch?.status]).toEqual([202, 'sys_confirmed']);
    const proofs = await door.db.owner.query<{ hash: string }>('SELECT image_hash AS hash FROM instant_proofs');
    expect(proofs.rows).toHaveLength(1);
    expect(await createImageStore(bucket()).read(proofs.rows[0]?.hash ?? '')).toBeInstanceOf(Buffer);

    await s3.stop();
    const admin = (await door.admin('viewer')).key;
    const seen = () =>
      Promise.all([
        door.call('GET', `/api/v1/instant-payouts/batches/${batchId}/proof`, { key }),
        door.call('GET', `/api/admin/instant-payouts/batches/${batchId}/proof`, { key: admin }),
      ]);
    expect((await seen()).map(({ status }) => status)).toEqual([503, 503]); // not "deleted": it is there, and cannot be read
    await door.db.owner.query('SELECT forget_image($1)', [proofs.rows[0]?.hash]);
    expect((await seen()).map(({ status, body }) => [status, body.code])).toEqual([
      [410, 'image_deleted'],
      [410, 'image_deleted'],
    ]);
    await s3.start();
  });
});
