/** Where screenshots are kept, under the hash of what is kept. A folder, or a bucket: place.ts. */
import { Away } from '../../net/away.ts';
import type { Screenshot } from './screenshot.ts';

/** Whatever is asked of it throws `ImageStoreAway` where the place does not answer, or takes nothing now. */
export interface ImageStore {
  /** Kept when this resolves, also through a loss of power. The same image again is nothing. */
  keep(image: Pick<Screenshot, 'hash' | 'bytes'>): Promise<void>;
  /** Undefined: it is not there (any more). */
  read(hash: string): Promise<Buffer | undefined>;
  remove(hash: string): Promise<void>;
}

/** It passes: a full disk, a bucket's server that restarts, keys that were changed. What was asked for is asked again. */
export class ImageStoreAway extends Away {
  override name = 'ImageStoreAway';
  readonly what = 'The store of screenshots';
}

const HASH = /^[0-9a-f]{64}$/;

/** Its place below the folder's or the bucket's own. @throws if that is no hash: nothing else ever becomes a path. */
export function nameOf(hash: string): string {
  if (!HASH.test(hash)) throw new Error('not the hash of an image');
  return `${hash.slice(0, 2)}/${hash}.jpg`;
}
