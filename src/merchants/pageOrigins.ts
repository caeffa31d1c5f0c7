/**
 * The origins that a merchant names for its hosted pages: they alone may show such a page in a frame, and to them alone it leads
 * back. Ours to check, as what stands here becomes part of a policy that browsers read.
 */
import { z } from 'zod';
import type { Sql } from '../db/pool.ts';

/** Some sites, and some places where they are tried out. */
const MOST = 20;
const LENGTH_MOST = 253 + 'https://:65535'.length; // DNS knows no longer name

/** Plain http is for trying it out on one machine. */
const FORM = /^(https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*|http:\/\/(localhost|127\.0\.0\.1))(:[0-9]{1,5})?$/;

const isOrigin = (text: string): boolean => FORM.test(text) && URL.canParse(text) && new URL(text).origin === text;

const origin = z
  .string()
  .max(LENGTH_MOST)
  .refine(isOrigin, 'Must be an origin such as https://shop.example: no path, no wildcard; plain http only on this machine.')
  .meta({ examples: ['https://shop.example'] });

export const pageOriginsInput = z.array(origin).max(MOST);

export const pageOriginsSchema = z.array(z.string()).meta({
  description: 'Of sites that may show its hosted pages in a frame, and that these may lead back to; with none, no site may',
});

/** Those of a merchant that is active; of any other none. */
export async function pageOriginsOf(pool: Sql, merchantId: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ origins: string[] }>({
    name: 'page_origins',
    text: 'SELECT page_origins AS origins FROM merchants WHERE id = $1 AND active',
    values: [merchantId],
  });
  return rows[0]?.origins ?? [];
}

/** As it is written once, or undefined where it leads anywhere else. */
export function returnUrlAt(origins: readonly string[], text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // The origin of blob: is that of what stands in it, though nobody comes there by it.
  const isPlain = /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return isPlain && origins.includes(url.origin) ? url.href : undefined;
}
