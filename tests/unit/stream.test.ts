/** One live stream over a table that is written here: what it tells its client, whatever comes when. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PassedEvent } from '../../src/events/follow.ts';
import { isBehind } from '../../src/events/place.ts';
import { BUFFER_MAX_BYTES, newStream, type Outlet, type Stream } from '../../src/events/stream.ts';

const placeAt = (n: number): string => `1-1-${n}`;

/** So large that a hundred of them are more than is kept while reading. */
const PADDING = 'x'.repeat(1_500);

function eventAt(n: number): PassedEvent {
  const object = JSON.stringify({
    id: 'usr_1',
    externalId: 'u',
    frozen: true,
    createdAt: '2026-01-01T00:00:00.000Z',
    mode: 'test',
    padding: PADDING,
  });
  const at = new Date(0);
  return {
    id: `evt_${n}`,
    subjectKind: 'user',
    subjectId: 'usr_1',
    mode: 'test',
    sequence: n,
    type: 'user.frozen',
    at,
    object,
    place: placeAt(n),
  };
}

interface World {
  readonly stream: Stream;
  readonly told: string[];
  /** Into the table, and handed on by the follower. */
  write(): void;
  /** Into the table; the follower is not so far. */
  writeAhead(): void;
  client: { buffered: number; reads: number; isCut: boolean };
}

function world({ read = async () => undefined as unknown } = {}): World {
  const table: PassedEvent[] = [];
  let handed = 0;
  const told: string[] = [];
  const client = { buffered: 0, reads: 0, isCut: false };
  const closed = new AbortController();
  const outlet: Outlet = {
    closed: closed.signal,
    bufferedBytes: () => client.buffered,
    begin: () => undefined,
    send: ({ id }) => void told.push(id),
    beat: () => undefined,
    end: () => undefined,
    cut() {
      client.isCut = true;
      closed.abort();
    },
  };
  const stream = newStream({
    seer: { kind: 'merchant', id: 'mer_1', mode: 'test' },
    types: new Set(['user.frozen']),
    outlet,
    standing: () => placeAt(handed),
    async eventsBetween({ after, until, take }) {
      client.reads += 1;
      await read();
      return table.filter(({ place }) => isBehind(place, after) && !isBehind(place, until)).slice(0, take);
    },
    onFailed: (error) => {
      throw error;
    },
  });
  return {
    stream,
    told,
    client,
    writeAhead: () => void table.push(eventAt(table.length + 1)),
    write() {
      if (handed === table.length) table.push(eventAt(table.length + 1));
      handed += 1;
      const event = table[handed - 1];
      if (event) stream.hear(event);
    },
  };
}

const upTo = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => placeAt(from + n + 1));

test('what happens while it reads what was missed is told after that, once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(350), fc.nat(350), fc.array(fc.nat(130), { maxLength: 6 }), async (before, from, meanwhile) => {
      const pauses = [...meanwhile];
      const w = world({
        read: async () => {
          for (let n = pauses.shift() ?? 0; n > 0; n -= 1) w.write();
        },
      });
      for (let n = 0; n < before; n += 1) w.write();
      w.told.length = 0;
      const start = Math.min(from, before);
      await w.stream.catchUp(placeAt(start));
      w.write();
      const all = before + meanwhile.slice(0, meanwhile.length - pauses.length).reduce((sum, n) => sum + n, 0) + 1;
      expect(w.told).toEqual(upTo(start, all));
    }),
    { numRuns: 50 },
  );
});

test('a client that comes from a process which was ahead is not told again what it has seen there', async () => {
  const w = world();
  for (let n = 0; n < 5; n += 1) w.writeAhead();
  await w.stream.catchUp(placeAt(3));
  expect(w.client.reads).toBe(0);
  for (let n = 0; n < 6; n += 1) w.write();
  expect(w.told).toEqual(upTo(3, 6));
});

test('a client that falls behind is given no more until it has taken what there is, and then what it has missed', async () => {
  const w = world();
  await w.stream.catchUp(placeAt(0));
  w.write();
  w.client.buffered = BUFFER_MAX_BYTES + 1;
  w.write();
  for (let n = 0; n < 2_000; n += 1) w.write();
  await sleep(100);
  expect(w.told).toEqual(upTo(0, 2));
  expect(w.stream.place()).toBeUndefined();
  w.client.buffered = 0;
  while (w.told.length < 2_002) await sleep(10);
  w.write();
  expect(w.told).toEqual(upTo(0, 2_003));
  expect(w.client.isCut).toBe(false);
});
