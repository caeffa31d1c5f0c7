import { expect, test } from '@jest/globals';
import { parseKeys } from '../../src/crypto/secretBox.ts';
import { issueSession, readSession, SESSION_MS } from '../../src/temporal/routes/codecSession.ts';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const NOW = new Date('2026-11-21T10:00:00.000Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);

test('who signed in stays signed in for twelve hours and not a second longer', () => {
  const keys = parseKeys(`k1:${key(1)}`);
  const token = issueSession(keys, 'key_1', NOW);
  expect(readSession(keys, token, NOW)).toBe('key_1');
  expect(readSession(keys, token, later(SESSION_MS - 1_000))).toBe('key_1');
  expect(readSession(keys, token, later(SESSION_MS))).toBeUndefined();
});

test('a session outlives a new encryption key in front, and ends when its own is taken away', () => {
  const token = issueSession(parseKeys(`k1:${key(1)}`), 'key_1', NOW);
  expect(readSession(parseKeys(`k2:${key(2)},k1:${key(1)}`), token, NOW)).toBe('key_1');
  expect(readSession(parseKeys(`k2:${key(2)}`), token, NOW)).toBeUndefined();
  expect(readSession(parseKeys(`k1:${key(2)}`), token, NOW)).toBeUndefined();
});
