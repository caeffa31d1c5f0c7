import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  accountTitleFault,
  descriptionFault,
  metadataFault,
  normalize,
  normalizeMetadata,
  pointerToken,
  referenceFault,
  TEXT_FAULTS,
  textFault,
} from '../../src/rules/text.ts';

describe('text that PostgreSQL cannot keep, or that shows a reader something else, is refused', () => {
  test.each([
    ['NUL', 'a\u0000b', 'control_character'],
    ['line end', 'a\nb', 'control_character'],
    ['carriage return', 'a\r\nX-Injected: 1', 'control_character'],
    ['tab', 'a\tb', 'control_character'],
    ['escape', '\u001b[31m', 'control_character'],
    ['delete', 'a\u007f', 'control_character'],
    ['next line', 'a\u0085b', 'control_character'],
    ['line separator', 'a\u2028b', 'control_character'],
    ['high surrogate alone', 'a\ud800', 'lone_surrogate'],
    ['low surrogate alone', '\udc00a', 'lone_surrogate'],
    ['swapped surrogates', '\udc00\ud800', 'lone_surrogate'],
    ['right-to-left override', 'invoice\u202egpj.exe', 'bidi_override'],
    ['isolate', 'a\u2066b', 'bidi_override'],
  ])('%s', (_name, text, code) => {
    expect(textFault(text)).toBe(code);
    expect(descriptionFault(text)).toBe(code);
    expect(metadataFault({ order: text })).toEqual({ pointer: '/order', code });
  });

  test('a name in any script, with emoji and joiners, is not', () => {
    for (const text of [
      'تنخواہ مئی',
      'مئی\u200cکی',
      'Lohn für Mai',
      '五月工资',
      '👩‍👩‍👧 🎉',
      '\u200fسلام',
      "'; drop table payouts --",
      '=cmd()',
      '',
    ]) {
      expect([text, descriptionFault(text)]).toEqual([text, undefined]);
    }
  });

  test('whatever passes is well-formed and stays the same through UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        if (textFault(text) !== undefined) return;
        expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
        expect(text).not.toContain('\u0000');
      }),
    );
  });
});

test('a reference has 1 to 64 printable ASCII characters: it goes into headers, files and statements', () => {
  for (const good of ['INV-1001', 'x', 'x'.repeat(64), 'a b', '~!"#/\\']) expect(referenceFault(good)).toBeUndefined();
  expect(referenceFault('')).toBe('too_short');
  expect(referenceFault('x'.repeat(65))).toBe('too_long');
  expect(referenceFault('INV-é')).toBe('not_printable_ascii');
  expect(referenceFault('INV-１')).toBe('not_printable_ascii');
  expect(referenceFault('INV\n')).toBe('control_character');
  for (const bad of [undefined, null, 5, ['INV'], {}]) expect(referenceFault(bad)).toBe('invalid_type');
});

test('a name of nothing but spaces names nobody: a bank would send the money back', () => {
  for (const blank of ['', ' ', '\u00a0\u3000']) expect(accountTitleFault(blank)).toBe('too_short');
  expect(accountTitleFault(' Ayesha Khan ')).toBeUndefined();
  expect(descriptionFault(' ')).toBeUndefined();
});

test('a description has at most 500 characters, as people count them', () => {
  expect(descriptionFault('x'.repeat(500))).toBeUndefined();
  expect(descriptionFault('x'.repeat(501))).toBe('too_long');
  expect(descriptionFault('🎉'.repeat(500))).toBeUndefined();
  expect(descriptionFault('e\u0301'.repeat(500))).toBeUndefined();
  expect(descriptionFault('🎉'.repeat(501))).toBe('too_long');
  expect(descriptionFault('x'.repeat(1_000_000))).toBe('too_long');
  for (const bad of [undefined, null, 5, {}]) expect(descriptionFault(bad)).toBe('invalid_type');
});

describe('metadata', () => {
  test('of 20 pairs at their longest is kept', () => {
    const full = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [String(at).padStart(40, 'k'), 'v'.repeat(500)]));
    expect(metadataFault(full)).toBeUndefined();
    expect(metadataFault({})).toBeUndefined();
    expect(metadataFault({ order: '' })).toBeUndefined();
    expect(metadataFault({ ...full, another: 'x' })).toEqual({ pointer: '', code: 'too_many_entries' });
  });

  test('that is no object of texts is refused, with the place', () => {
    for (const bad of [undefined, null, 'x', 5, [], [['a', 'b']]])
      expect(metadataFault(bad)).toEqual({ pointer: '', code: 'invalid_type' });
    for (const bad of [5, null, true, ['x'], { deep: 'x' }])
      expect(metadataFault({ order: bad })).toEqual({ pointer: '/order', code: 'invalid_type' });
    expect(metadataFault({ ['k'.repeat(41)]: 'x' })).toEqual({ pointer: `/${'k'.repeat(40)}`, code: 'too_long' });
    expect(metadataFault({ '': 'x' })).toEqual({ pointer: '/', code: 'too_short' });
    expect(metadataFault({ order: 'v'.repeat(501) })).toEqual({ pointer: '/order', code: 'too_long' });
  });

  test('cannot change what an object is', () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      expect(metadataFault(JSON.parse(`{"${key}":"x"}`))).toEqual({ pointer: `/${key}`, code: 'forbidden_key' });
    }
  });

  test('loses no value to two spellings of one key', () => {
    expect(metadataFault({ 'caf\u00e9': '1', 'cafe\u0301': '2' })).toEqual({ pointer: '/cafe\u0301', code: 'duplicate_key' });
    expect(normalizeMetadata({ 'cafe\u0301': 'e\u0301' })).toEqual({ 'caf\u00e9': '\u00e9' });
  });
});

test('two spellings of one text are one text: a repeat is recognised', () => {
  expect(normalize('e\u0301')).toBe('\u00e9');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => normalize(normalize(text)) === normalize(text)));
});

test('an error that names a hostile key is itself harmless', () => {
  expect(pointerToken('a/b~c')).toBe('a~1b~0c');
  expect(pointerToken('a\r\nb\u202e\ud800')).toBe('a\ufffd\ufffdb\ufffd\ufffd');
  expect(pointerToken('k'.repeat(1_000)).length).toBe(40);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (key) => textFault(pointerToken(key)) === undefined));
});

test('every fault can be told in words', () => {
  for (const words of Object.values(TEXT_FAULTS)) expect(words).toMatch(/\.$/);
});
