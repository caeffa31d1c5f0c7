/** Screenshots in a folder that all APIs and workers share. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ImageStore, ImageStoreAway, nameOf } from './store.ts';

export function createFolderStore(folder: string): ImageStore {
  const placeOf = (hash: string): string => join(folder, nameOf(hash));
  return {
    async keep({ hash, bytes }) {
      const place = placeOf(hash);
      const draft = `${place}.${randomUUID()}`;
      try {
        const made = await mkdir(dirname(place), { recursive: true, mode: 0o700 });
        await writeFile(draft, bytes, { mode: 0o600, flush: true });
        await rename(draft, place); // whole or not at all
        await flushNames(dirname(place));
        if (made !== undefined) await flushNames(dirname(made));
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined); // a part of an image fills a full disk further
        throw away(error);
      }
    },
    read: (hash) => readFile(placeOf(hash)).catch(absent),
    remove: (hash) =>
      rm(placeOf(hash), { force: true }).catch((error: unknown) => {
        throw away(error);
      }),
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
  if (error.code !== 'ENOENT') throw away(error);
  return undefined;
}

const away = (error: unknown): ImageStoreAway => new ImageStoreAway('the folder of screenshots cannot be used', { cause: error });
