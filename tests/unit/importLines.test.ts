/** Lines of an import: whatever a stream is cut into, each line is read once, at its place, and what is wrong with it is said. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Line, linesOf } from '../../src/http/ndjson.ts';
import { parseJsonBody } from '../../src/http/plugins/jsonBody.ts';
import { readLine } from '../../src/markets/rules/importLine.ts';

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function read(bytes: Uint8Array, sizes: readonly number[] = [], most = 100): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(chunked(bytes, sizes), most)) lines.push(line);
  return lines;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lines of a stream', () => {
  test('are the same however the stream is cut, within a character too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }))),
        fc.array(fc.nat({ max: 9 }), { maxLength: 40 }),
        async (texts, sizes) => {
          const bytes = bytesOf(texts.map((text) => (text === null ? '' : JSON.stringify(text))).join('\n'));
          const expected = texts.flatMap((text, at) => (text === null ? [] : [{ line: at + 1, ok: true, said: text }]));
          expect(await read(bytes, sizes, 1_000)).toEqual(expected);
        },
      ),
    );
  });

  test('that are too long or cannot be read are refused by themselves, and the next is read', async () => {
    const bytes = Buffer.concat([
      bytesOf(`${'x'.repeat(101)}\n`),
      Uint8Array.of(0xff, 0x0a),
      bytesOf(' \r\n{\n{"a":1,"a":2}\n{}'),
    ]);
    const lines = await read(bytes, [7, 50, 44]);
    expect(lines.map((line) => [line.line, line.ok ? line.said : line.code])).toEqual([
      [1, 'line_too_long'],
      [2, 'malformed_json'],
      [4, 'malformed_json'],
      [5, 'duplicate_key'],
      [6, {}],
    ]);
  });
});

const USER = `usr_${'0'.repeat(32)}`;
const BINARY = { type: 'binary', currency: 'PKR', options: [{ id: 'yes' }, { id: 'no' }] };
const MULTI = { type: 'multi', currency: 'JPY', options: [{ id: 'a' }, { id: 'b' }, { id: 'yes' }] };

const code = (said: unknown, market = BINARY) => {
  const line = readLine(parseJsonBody(Buffer.from(JSON.stringify(said))), market);
  return line.ok ? line : [line.key, line.code];
};

describe('a line', () => {
  test('is a stake by position or by option, in the market’s currency', () => {
    expect(code({ key: 'k', userId: USER, amount: '1.50', position: 'yes' })).toEqual({
      key: 'k', ok: true, userId: USER, optionId: 'yes', position: 'yes', amountMinor: '150',
    }); // biome-ignore format: one glance
    expect(code({ key: 'k', userId: USER, amount: 2, optionId: 'no' })).toMatchObject({
      optionId: 'no',
      position: null,
      amountMinor: '200',
    });
    expect(code({ key: 'k', userId: USER, amount: '7', optionId: 'b' }, MULTI)).toMatchObject({
      optionId: 'b',
      amountMinor: '7',
    });
  });

  test('that says anything else is refused, with the first thing that is wrong', () => {
    const line = { key: 'k', userId: USER, amount: '1', position: 'yes' };
    expect(code('{}')).toEqual([null, 'invalid_type']);
    expect(code([1])).toEqual([null, 'invalid_type']);
    expect(code({ ...line, key: undefined })).toEqual([null, 'missing']);
    expect(code({ ...line, key: 'two words' })).toEqual([null, 'invalid_key']);
    expect(code({ ...line, state: 'won' })).toEqual(['k', 'unknown_field']);
    expect(code({ ...line, userId: 'usr_1' })).toEqual(['k', 'unknown_user']);
    expect(code({ ...line, optionId: 'yes' })).toEqual(['k', 'one_of_two']);
    expect(code({ ...line, position: 'maybe' })).toEqual(['k', 'unknown_position']);
    expect(code({ ...line, position: undefined })).toEqual(['k', 'missing']);
    expect(code({ ...line, position: undefined, optionId: '__proto__' })).toEqual(['k', 'unknown_option']);
    expect(code(line, MULTI)).toEqual(['k', 'not_binary']);
    expect(code({ ...line, amount: '1.001' })).toEqual(['k', 'too_many_decimals']);
    expect(code({ ...line, amount: 0 })).toEqual(['k', 'amount_zero']);
  });
});
