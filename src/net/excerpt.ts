/** How an answer begins, as text that can be kept: what a receiver's owner is shown of their own answer. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate, inflateRaw } from 'node:zlib';
import { storable } from '../rules/text.ts';
import { chunksOf } from './send.ts';

/** What is read of an answer before it is cut off: enough for any error page, too little to fill our memory. */
const READ_MAX_BYTES = 64 * 1024;

/** After the status nothing in the answer matters to us: this long for the excerpt, then the connection goes. */
const BODY_MS = 2_000;

/** What a merchant sees of their own answer. */
const EXCERPT_MAX_BYTES = 1_024;

/** Four times what is read: text packs about so well. A bomb packs a thousand times, and is stopped here. */
const UNPACKED_MAX_BYTES = 4 * READ_MAX_BYTES;

/** Never throws: the status has been said, and how the rest of the answer ended changes nothing. */
export async function readExcerpt(response: IncomingMessage): Promise<string> {
  const coding = response.headers['content-encoding']?.trim().toLowerCase() ?? '';
  const unpack = UNPACK.get(coding);
  const body = await beginningOf(response, unpack ? READ_MAX_BYTES : EXCERPT_MAX_BYTES);
  if (!unpack || body.length === 0) return textOf(body);
  const unpacked = await unpack(body).catch(() => undefined);
  // Nothing came out of something: cut off too early to be read.
  return unpacked?.length ? textOf(unpacked) : `(${coding}, ${body.length} bytes)`;
}

async function beginningOf(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const kept: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), BODY_MS);
  try {
    for await (const chunk of chunksOf(response)) {
      if (bytes < maxBytes) kept.push(chunk.subarray(0, maxBytes - bytes));
      bytes += chunk.length;
      if (bytes >= READ_MAX_BYTES) break;
    }
  } catch {
    // What came before it was cut is what is shown.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(kept);
}

// A cut through a character leaves U+FFFD. Its lines stay lines: it is mostly an error page.
const textOf = (body: Buffer): string =>
  body
    .subarray(0, EXCERPT_MAX_BYTES)
    .toString('utf8')
    .split('\n')
    .map((line) => storable(line, EXCERPT_MAX_BYTES))
    .join('\n');

/** The flush at the end: an answer that was cut off is shown as far as it came. */
const ZLIB = { maxOutputLength: UNPACKED_MAX_BYTES, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { maxOutputLength: UNPACKED_MAX_BYTES, finishFlush: constants.BROTLI_OPERATION_FLUSH };

type Unpack = (body: Buffer) => Promise<Buffer>;
const ungzip: Unpack = (body) => promisify(gunzip)(body, ZLIB);
const unbrotli: Unpack = (body) => promisify(brotliDecompress)(body, BROTLI);

/** In a zlib envelope (RFC 9110 §8.4.1.2), known by its first byte; some servers leave the envelope out. */
const undeflate: Unpack = (body) => promisify(((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw)(body, ZLIB);

/**
 * The codings in which servers and proxies answer though we ask for none. Any other word is shown as it came: it is as
 * often a mistake for the character set.
 */
const UNPACK: ReadonlyMap<string, Unpack> = new Map([
  ['gzip', ungzip],
  ['x-gzip', ungzip],
  ['deflate', undeflate],
  ['br', unbrotli],
]);
