/**
 * Screenshots: read by their bytes, never by their name, and made into an image of our own, without what was written into the file
 * besides (where it was taken, by what). What is kept of it, and where: imageStore.ts.
 */
import { createHash } from 'node:crypto';
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
