/** Who walks through many users holds nobody back for long, does each of them once, and lets one who cannot be done keep nobody else waiting. */
import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { nextSize, walk } from '../../activities/walk.ts';

/** What is told of a user is not for this test's reader. */
const logger = new DefaultLogger('ERROR', () => undefined);

const MOST = 500;

test('a step that took too long is followed by a smaller one, on any machine, and a quick one by a larger, up to the most', () => {
  expect(nextSize(500, 125, MOST)).toBe(500);
  expect(nextSize(500, 250, MOST)).toBe(250);
  expect(nextSize(500, 10_000, MOST)).toBe(50);
  expect(nextSize(50, 10_000, MOST)).toBe(50);
  expect(nextSize(100, 25, MOST)).toBe(200);
  expect(nextSize(400, 0, MOST)).toBe(500);
  expect(nextSize(3, 10_000, 3)).toBe(3);
});

interface Walked {
  readonly done: string[][];
  readonly failed: string[];
  readonly isWhole: boolean;
}

const ALL = Array.from({ length: 25 }, (_, n) => `usr_${String(n).padStart(2, '0')}`);

async function walked(
  refuse: (users: readonly string[]) => unknown,
  more: { apart?: (users: readonly string[]) => string[]; isOver?: () => boolean } = {},
): Promise<Walked> {
  const done: string[][] = [];
  const failed: string[] = [];
  const isWhole = await new MockActivityEnvironment(undefined, { logger }).run(() =>
    walk({
      about: { of: 'test' },
      step: 10,
      left: async (after, most) => ALL.filter((user) => user > after).slice(0, most),
      async call(users) {
        const code = refuse(users);
        if (code !== undefined) throw Object.assign(new Error('refused'), { code });
        const apart = users.length > 1 ? (more.apart?.(users) ?? []) : [];
        done.push(users.filter((user) => !apart.includes(user)));
        return { apart };
      },
      fail: async (user) => failed.push(user),
      ...(more.isOver && { isOver: more.isOver }),
    }),
  );
  return { done, failed, isWhole: isWhole as boolean };
}

test('everybody is done once, ten at a time', async () => {
  const { done, failed, isWhole } = await walked(() => undefined);
  expect([done.flat(), failed, isWhole]).toEqual([ALL, [], true]);
  expect(done.map(({ length }) => length)).toEqual([10, 10, 5]);
});

test('one whose row breaks a rule is written down, and all others are done', async () => {
  const { done, failed } = await walked((users) => (users.includes('usr_13') ? '23514' : undefined));
  expect([done.flat().sort(), failed]).toEqual([ALL.filter((user) => user !== 'usr_13'), ['usr_13']]);
});

test('who must be done alone is done alone, after the others of the step', async () => {
  const { done } = await walked(() => undefined, { apart: (users) => users.filter((user) => user.endsWith('3')) });
  expect(done.flat().sort()).toEqual(ALL);
  expect(done.filter(({ length }) => length === 1).flat()).toEqual(['usr_03', 'usr_13', 'usr_23']);
});

test('a step that PostgreSQL has cut off for being slow is done user by user', async () => {
  const { done, failed } = await walked((users) => (users.length > 1 ? '57014' : undefined));
  expect([done.flat(), failed]).toEqual([ALL, []]);
});

test('nobody is blamed for a database that is away: the whole is tried again', async () => {
  await expect(walked(() => '57P01')).rejects.toThrow('refused');
});

test('who has had a turn stops after a step, and says that others are left', async () => {
  const { done, isWhole } = await walked(() => undefined, { isOver: () => true });
  expect([done.flat(), isWhole]).toEqual([ALL.slice(0, 10), false]);
});
