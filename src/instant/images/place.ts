/** Which of the places it is, by the settings. */
import { type Bucket, createBucketStore } from './bucket.ts';
import { createFolderStore } from './folder.ts';
import type { ImageStore } from './store.ts';

export type ImagePlace = { readonly kind: 'folder'; readonly folder: string } | ({ readonly kind: 'bucket' } & Bucket);

export const createImageStore = (place: ImagePlace): ImageStore =>
  place.kind === 'bucket' ? createBucketStore(place) : createFolderStore(place.folder);
