/** Who waits for one subject waits in memory, in turn, and not for ever. */
import { expect, test } from '@jest/globals';
import { createLines, LineTooLong } from '../../src/db/lines.ts';

const MINE = { merchantId: 'mer_1', mode: 'test' };
const THEIRS = { merchantId: 'mer_2', mode: 'test' };

/** Work that lasts until it is let go, and notes who has begun. */
function held() {
  const begun: string[] = [];
  const letGo = new Map<string, () => void>();
  const work = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      letGo.set(name, () => resolve(name));
    });
  return { begun, work, end: (name: string) => letGo.get(name)?.() };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test('of the connections a quarter is the most that one subject holds, the others come in turn, and neither another subject nor another merchant waits', async () => {
  const inLine = createLines({ connections: 8 });
  const { begun, work, end } = held();
  const all = ['a', 'b', 'c', 'd'].map((name) => inLine(MINE, ['market 1'], work(name)));
  all.push(inLine(MINE, ['market 2'], work('other')), inLine(THEIRS, ['market 1'], work('theirs')));
  await settled();
  expect(begun).toEqual(['a', 'b', 'other', 'theirs']);
  end('b');
  await settled();
  expect(begun).toEqual(['a', 'b', 'other', 'theirs', 'c']);
  end('a');
  await settled();
  for (const name of ['c', 'd', 'other', 'theirs']) end(name);
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', 'other', 'theirs']);
  expect(await inLine(MINE, ['market 1'], () => Promise.resolve('later'))).toBe('later');
});

test('a call that fails gives its place on, or a market would be shut for as long as the process lives', async () => {
  const inLine = createLines({ connections: 1 });
  const failed = inLine(MINE, ['user 1'], () => Promise.reject(new Error('the database is away')));
  const next = inLine(MINE, ['user 1'], () => Promise.resolve('done'));
  await expect(failed).rejects.toThrow('away');
  expect(await next).toBe('done');
});

test('whose turn does not come in time, or who comes when the line is full, is refused, and nothing of it is done', async () => {
  const inLine = createLines({ connections: 4, patienceMs: 20, mostWaiting: 1 });
  const { begun, work, end } = held();
  const first = inLine(MINE, ['market 1'], work('first'));
  const late = inLine(MINE, ['market 1'], work('late'));
  await expect(inLine(MINE, ['market 1'], work('refused'))).rejects.toBeInstanceOf(LineTooLong);
  await expect(late).rejects.toBeInstanceOf(LineTooLong);
  end('first');
  await first;
  expect(begun).toEqual(['first']);
  expect(await inLine(MINE, ['market 1'], () => Promise.resolve('later'))).toBe('later');
});

test('a call about two waits for both, and gives up both places where the second does not come', async () => {
  const inLine = createLines({ connections: 4, patienceMs: 20 });
  const { begun, work, end } = held();
  const first = inLine(MINE, ['user 1'], work('first'));
  await expect(inLine(MINE, ['market 1', 'user 1'], work('both'))).rejects.toBeInstanceOf(LineTooLong);
  expect(await inLine(MINE, ['market 1'], () => Promise.resolve('free'))).toBe('free');
  end('first');
  await first;
  expect(begun).toEqual(['first']);
});
