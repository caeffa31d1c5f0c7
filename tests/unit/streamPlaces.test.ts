/** Guards: whoever has many keys, or many users, takes no other's place among the live streams. */
import { expect, test } from '@jest/globals';
import { BEGINNING } from '../../src/events/place.ts';
import { createStreams, type Opened, type StreamRequest } from '../../src/events/streams.ts';

const streams = createStreams({
  pool: { query: async () => ({ rows: [], rowCount: 0 }) } as never,
  follower: { add: () => undefined, follow: async () => undefined, place: () => BEGINNING, close: async () => undefined },
  most: { ofAUser: 2, ofAKey: 3, ofAMerchant: 4, inAll: 6 },
  keysThatOpen: async (keyIds) => new Set(keyIds),
  snapshotOf: async () => null,
  onFailed: () => undefined,
});

async function open(merchantId: string, keyId: string, userId?: string): Promise<Opened> {
  const seer: StreamRequest['seer'] = { kind: userId ? 'user' : 'merchant', id: userId ?? merchantId, mode: 'test' };
  return await streams.open({ keyId, merchantId, seer, types: new Set(), from: undefined });
}

test('of a user, a key and a merchant so many streams are open at once, and the next merchant has its own', async () => {
  const opened = [await open('a', 'a1', 'ann'), await open('a', 'a1', 'ann')];
  expect(await open('a', 'a2', 'ann')).toEqual({ outcome: 'too_many', of: 'ofAUser' });
  opened.push(await open('a', 'a1', 'bob'));
  expect(await open('a', 'a1', 'eve')).toEqual({ outcome: 'too_many', of: 'ofAKey' });
  opened.push(await open('a', 'a2'));
  expect(await open('a', 'a3')).toEqual({ outcome: 'too_many', of: 'ofAMerchant' });
  opened.push(await open('b', 'b1'), await open('b', 'b1'));
  expect(opened.map(({ outcome }) => outcome)).toEqual(Array(6).fill('opened'));
  expect(await open('c', 'c1')).toEqual({ outcome: 'too_many', of: 'inAll' });
  if (opened[3]?.outcome === 'opened') opened[3].stream.leave();
  expect((await open('a', 'a3')).outcome).toBe('opened');
  await streams.close();
});
