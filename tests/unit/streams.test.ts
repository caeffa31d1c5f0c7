/** Guards: whoever has many keys or users, or comes back with a thousand streams at once, takes no other's place, and no database. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { BEGINNING } from '../../src/events/place.ts';
import type { Outlet } from '../../src/events/stream.ts';
import { createStreams, type Opened, type StreamRequest, type Streams } from '../../src/events/streams.ts';

const STANDING = '1-9-9';

/** A database that answers only when it is told to. */
interface Asked {
  readonly name: string;
  readonly of: string;
  answer(): void;
}

let asked: Asked[];
let snapshots: number;
let answerSnapshot: () => void;
let streams: Streams;

beforeEach(() => {
  jest.useFakeTimers();
  asked = [];
  snapshots = 0;
  answerSnapshot = () => undefined;
  streams = createStreams({
    pool: {
      query: async ({ name, values }: { name?: string; values?: string[] }) => {
        if (name === 'event_at_place') return { rows: [], rowCount: values?.[0] === '1' ? 1 : 0 };
        if (name !== 'events_between') return { rows: [], rowCount: 0 };
        await new Promise<void>((answer) => asked.push({ name, of: values?.[1] ?? '', answer }));
        return { rows: [], rowCount: 0 };
      },
    } as never,
    follower: { add: () => undefined, follow: async () => undefined, place: () => STANDING, close: async () => undefined },
    most: { ofAUser: 2, ofAKey: 300, ofAMerchant: 400, inAll: 600 },
    keysThatOpen: async (keyIds) => new Set(keyIds),
    snapshotOf: async () => {
      snapshots += 1;
      await new Promise<void>((answer) => {
        answerSnapshot = answer;
      });
      return null;
    },
    onFailed: () => undefined,
  });
});
afterEach(async () => {
  await streams.close();
  jest.useRealTimers();
});

async function open(
  merchantId: string,
  keyId: string,
  { userId, from }: { userId?: string; from?: string } = {},
): Promise<Opened> {
  const seer: StreamRequest['seer'] = { kind: userId ? 'user' : 'merchant', id: userId ?? merchantId, mode: 'test' };
  return await streams.open({ keyId, merchantId, seer, types: new Set(['payout.created']), from });
}

/** A client that takes everything. */
function outlet(): Outlet & { hangUp(): void } {
  const closed = new AbortController();
  const hangUp = () => closed.abort();
  const nothing = () => undefined;
  return {
    closed: closed.signal,
    bufferedBytes: () => 0,
    begin: nothing,
    send: nothing,
    beat: nothing,
    end: hangUp,
    cut: hangUp,
    hangUp,
  };
}

async function comeBack(merchantId: string, keyId: string, client = outlet()): Promise<void> {
  const opened = await open(merchantId, keyId, { from: '1-1-1' });
  if (opened.outcome !== 'opened') throw new Error(opened.outcome);
  opened.stream.begin(client);
}

const untilIdle = () => jest.advanceTimersByTimeAsync(0);

test('of a user, a key and a merchant so many streams are open at once, and the next merchant has its own', async () => {
  const opened = [await open('a', 'a1', { userId: 'ann' }), await open('a', 'a1', { userId: 'ann' })];
  expect(await open('a', 'a2', { userId: 'ann' })).toEqual({ outcome: 'too_many', of: 'ofAUser' });
  for (let n = 2; n < 300; n += 1) opened.push(await open('a', 'a1'));
  expect(await open('a', 'a1')).toEqual({ outcome: 'too_many', of: 'ofAKey' });
  for (let n = 0; n < 100; n += 1) opened.push(await open('a', 'a2'));
  expect(await open('a', 'a3')).toEqual({ outcome: 'too_many', of: 'ofAMerchant' });
  for (let n = 0; n < 200; n += 1) opened.push(await open('b', 'b1'));
  expect(opened.filter(({ outcome }) => outcome === 'opened')).toHaveLength(600);
  expect(await open('c', 'c1')).toEqual({ outcome: 'too_many', of: 'inAll' });
  const [last] = opened.slice(-1);
  if (last?.outcome === 'opened') last.stream.leave();
  expect((await open('c', 'c1')).outcome).toBe('opened');
});

test('however many come back at once and however long it takes, what they missed is read a page or two at a time, and every merchant has its turn', async () => {
  for (let n = 0; n < 200; n += 1) await comeBack('a', 'a1');
  await jest.advanceTimersByTimeAsync(10 * 60_000);
  expect(asked).toHaveLength(2);
  await comeBack('b', 'b1');
  expect(asked.map(({ of }) => of)).toEqual(['a', 'a']);
  for (const { answer } of [...asked]) answer();
  await untilIdle();
  expect(
    asked
      .slice(2)
      .map(({ of }) => of)
      .sort(),
  ).toEqual(['a', 'b']); // and not behind two hundred
  for (let at = 2; at < asked.length; at += 1) {
    asked[at]?.answer();
    await untilIdle();
  }
  expect(asked).toHaveLength(201);
});

test('for clients that are gone again nothing is read', async () => {
  const gone = outlet();
  for (let n = 0; n < 2; n += 1) await comeBack('a', 'a1');
  for (let n = 0; n < 50; n += 1) await comeBack('a', 'a1', gone);
  gone.hangUp();
  for (const { answer } of [...asked]) answer();
  await untilIdle();
  expect(asked).toHaveLength(2);
});

test('a hundred who come back from other books at once need two snapshots: one that was begun before, and one for all the others', async () => {
  const lost = Array.from({ length: 100 }, () => open('a', 'a1', { from: BEGINNING.replace('0', '7') }));
  await untilIdle();
  expect(snapshots).toBe(1);
  const late = Array.from({ length: 100 }, () => open('a', 'a1', { from: BEGINNING.replace('0', '7') }));
  await untilIdle();
  answerSnapshot();
  await untilIdle();
  expect(snapshots).toBe(2);
  answerSnapshot();
  expect((await Promise.all([...lost, ...late])).map(({ outcome }) => outcome)).toEqual(Array(200).fill('opened'));
  expect(snapshots).toBe(2);
});
