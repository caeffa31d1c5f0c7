/**
 * Screenshots: read by their bytes, never by their name, and kept as an image of our own making, without what was written into the
 * file besides (where it was taken, by what), under the hash of what is kept.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** As a phone makes them, with room: more pixels in few bytes are somebody's bomb. */
const PIXELS_MOST = 24_000_000;
/** Pixels of a reader's screen: figures stay legible. */
const EDGE_MOST = 2_400;
const QUALITY = 85;

/** Formats by their first bytes: what is none of these is never given to a decoder. */
const FORMATS: readonly { readonly name: string; readonly begins: (bytes: Buffer) => boolean }[] = [
  { name: 'png', begins: (bytes) => bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) },
  { name: 'jpeg', begins: (bytes) => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])) },
  {
    name: 'webp',
    begins: (bytes) => bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  },
];

export interface Screenshot {
  /** What is kept: a JPEG. */
  readonly bytes: Buffer;
  /** Its SHA-256, in hex. */
  readonly hash: string;
  /** 64 bits of what it looks like, in hex: of two images that look alike few differ. */
  readonly look: string;
  readonly type: 'image/jpeg';
}

export type ReadImage = { readonly ok: true; readonly image: Screenshot } | { readonly ok: false; readonly fault: ImageFault };
/** `not_an_image`: no PNG, JPEG or WebP, whatever it is called, or a broken one. */
export type ImageFault = 'not_an_image' | 'too_many_pixels';

/** One after the other: a large one takes a hundred megabytes while it is decoded, and many payers come at once. */
let last: Promise<unknown> = Promise.resolve();

export function readImage(given: Buffer): Promise<ReadImage> {
  const read = last.then(() => decode(given));
  last = read.catch(() => undefined);
  return read;
}

async function decode(given: Buffer): Promise<ReadImage> {
  const format = FORMATS.find(({ begins }) => begins(given));
  if (!format) return { ok: false, fault: 'not_an_image' };
  const options = { limitInputPixels: PIXELS_MOST, failOn: 'error', sequentialRead: true } as const;
  try {
    const { format: decoded, width, height } = await sharp(given, { ...options, limitInputPixels: false }).metadata(); // of its head alone
    if (decoded !== format.name) return { ok: false, fault: 'not_an_image' };
    if (width * height > PIXELS_MOST) return { ok: false, fault: 'too_many_pixels' };
    const { data: bytes } = await sharp(given, options)
      .rotate() // as its camera held it: that is written beside the pixels, and goes with the rest
      .resize({ width: EDGE_MOST, height: EDGE_MOST, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: QUALITY })
      .toBuffer({ resolveWithObject: true });
    const hash = createHash('sha256').update(bytes).digest('hex');
    return { ok: true, image: { bytes, hash, look: await lookOf(bytes), type: 'image/jpeg' } };
  } catch {
    return { ok: false, fault: 'not_an_image' };
  }
}

const COLUMNS = 9;
const ROWS = 8;

/** A difference hash: of each of 64 places whether the next one to the right is brighter. Sizes, qualities and slight cuts change few. */
async function lookOf(bytes: Buffer): Promise<string> {
  const grey = await sharp(bytes).greyscale().resize(COLUMNS, ROWS, { fit: 'fill' }).raw().toBuffer();
  let bits = 0n;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 1; column < COLUMNS; column += 1) {
      const at = row * COLUMNS + column;
      bits = (bits << 1n) | ((grey[at] ?? 0) > (grey[at - 1] ?? 0) ? 1n : 0n);
    }
  }
  return bits.toString(16).padStart(16, '0');
}

export interface ImageStore {
  /** Kept when this resolves, also through a loss of power. The same image again is nothing. */
  keep(image: Pick<Screenshot, 'hash' | 'bytes'>): Promise<void>;
  /** Undefined: it is not there (any more). */
  read(hash: string): Promise<Buffer | undefined>;
  remove(hash: string): Promise<void>;
}

/** In a folder that all processes share. */
export function createImageStore(folder: string): ImageStore {
  const placeOf = (hash: string): string => {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error('not the hash of an image');
    return join(folder, hash.slice(0, 2), `${hash}.jpg`);
  };
  return {
    async keep({ hash, bytes }) {
      const place = placeOf(hash);
      const draft = `${place}.${randomUUID()}`;
      const made = await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await writeFile(draft, bytes, { mode: 0o600, flush: true });
      await rename(draft, place); // whole or not at all
      await flushNames(dirname(place));
      if (made !== undefined) await flushNames(dirname(made));
    },
    read: (hash) => readFile(placeOf(hash)).catch(absent),
    remove: (hash) => rm(placeOf(hash), { force: true }),
  };
}

/** Which files a folder has is written to the disk apart from them. */
async function flushNames(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
