/** Screenshots as phones make them, and the forms that they are sent in. */
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';

const COLUMNS = 9;
const ROWS = 8;

/** No patch is nearly as grey as the one beside it: saved anew, it still looks the same. */
const APART = 60;

function patches(): Buffer {
  const greys = randomBytes(COLUMNS * ROWS);
  greys.forEach((random, at) => {
    greys[at] = ((greys[at - 1] ?? 0) + APART + (random % (256 - 2 * APART))) % 256;
  });
  return greys;
}

/** A PNG that looks like no other: patches of grey, as large as a look is taken of. */
export const screenshot = (edge = 10): Promise<Buffer> =>
  sharp(patches(), { raw: { width: COLUMNS, height: ROWS, channels: 1 } })
    .resize(COLUMNS * edge, ROWS * edge, { kernel: 'nearest' })
    .png()
    .toBuffer();

export interface Form {
  readonly image?: Buffer | undefined;
  readonly utr?: string | undefined;
  readonly payinId?: string | undefined;
  /** What its client calls the image. */
  readonly name?: string;
  readonly type?: string;
}

/** A form's bytes, with the type that names its boundary. */
export async function formOf({ image, utr, payinId, name = 'proof.png', type = 'image/png' }: Form): Promise<{
  body: Buffer;
  headers: { 'content-type': string };
}> {
  const form = new FormData();
  if (image) form.append('image', new Blob([new Uint8Array(image)], { type }), name);
  if (utr !== undefined) form.append('utr', utr);
  if (payinId !== undefined) form.append('payinId', payinId);
  const whole = new Response(form);
  return {
    body: Buffer.from(await whole.arrayBuffer()),
    headers: { 'content-type': whole.headers.get('content-type') ?? '' },
  };
}
