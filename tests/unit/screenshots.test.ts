/** What a screenshot looks like: the same picture saved anew is found again, and another one is not taken for it. */
import { expect, test } from '@jest/globals';
import sharp from 'sharp';
import { screenshot } from '../../harness/screenshots.ts';
import { readImage } from '../../src/instant/images/screenshot.ts';
import { LOOK_ALIKE_BITS } from '../../src/instant/rules/policy.ts';

async function lookOf(bytes: Buffer): Promise<bigint> {
  const read = await readImage(bytes);
  if (!read.ok) throw new Error(read.fault);
  return BigInt(`0x${read.image.look}`);
}

const differences = (one: bigint, other: bigint): number => [...(one ^ other).toString(2)].filter((bit) => bit === '1').length;

test('saved smaller, worse, or in another format it looks the same; another one does not', async () => {
  for (let n = 0; n < 20; n += 1) {
    const image = await screenshot(30);
    const look = await lookOf(image);
    const anew = [
      await sharp(image).resize(200).jpeg({ quality: 60 }).toBuffer(),
      await sharp(image).webp({ quality: 40 }).toBuffer(),
      await sharp(image).resize(900).png().toBuffer(),
    ];
    for (const each of anew) expect(differences(await lookOf(each), look)).toBeLessThanOrEqual(3); // found by a quarter for certain
    expect(differences(await lookOf(await screenshot(30)), look)).toBeGreaterThan(LOOK_ALIKE_BITS);
  }
});

test('one image written in two formats without loss is one image', async () => {
  const image = await screenshot(20);
  const [one, other] = [await readImage(image), await readImage(await sharp(image).webp({ lossless: true }).toBuffer())];
  expect(one.ok && one.image.hash).toBe(other.ok && other.image.hash);
});
