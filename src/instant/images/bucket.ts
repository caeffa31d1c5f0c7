/**
 * Screenshots in a bucket of S3, or of what speaks its API (docs.aws.amazon.com/AmazonS3/latest/API): three requests, signed by
 * Signature Version 4, each of which may be sent again.
 */
import { AwsClient } from 'aws4fetch';
import { type ImageStore, ImageStoreAway, nameOf } from './store.ts';

export interface Bucket {
  /** With the bucket in its path, and after it what names begin with: `https://s3.eu-central-1.amazonaws.com/proofs`. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Together below the 60 s that an upload may take (src/instant/routes/proofs.ts). */
const TRIES = 3;
const TIMEOUT_MS = 15_000;

const GONE = 404;

export function createBucketStore({ url, region, accessKeyId, secretAccessKey }: Bucket): ImageStore {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 });
  const base = url.replace(/\/+$/, '');

  async function once(method: string, place: string, hash: string, bytes?: Buffer): Promise<Response> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    if (!bytes) return await client.fetch(place, { method, signal });
    const headers = { 'content-type': 'image/jpeg', 'x-amz-content-sha256': hash }; // S3 refuses bytes that came otherwise
    return await client.fetch(place, { method, headers, body: new Uint8Array(bytes), signal });
  }

  /** @returns its answer, or undefined where there is no such object. @throws ImageStoreAway */
  async function ask<T>(
    method: string,
    hash: string,
    take: (answer: Response) => Promise<T>,
    bytes?: Buffer,
  ): Promise<T | undefined> {
    const place = `${base}/${nameOf(hash)}`;
    let problem: unknown;
    for (let left = TRIES; left > 0; left -= 1) {
      try {
        const answer = await once(method, place, hash, bytes);
        if (answer.ok) return await take(answer);
        await answer.body?.cancel();
        if (answer.status === GONE && method !== 'PUT') return undefined; // of a PUT it is the bucket that is not there
        problem = new Error(`it answered ${answer.status}`);
        if (answer.status < 500 && answer.status !== 429) break; // the same again would be refused again
      } catch (error) {
        problem = error;
      }
    }
    throw new ImageStoreAway('the bucket of screenshots cannot be used', { cause: problem });
  }

  return {
    async keep({ hash, bytes }) {
      await ask('PUT', hash, drained, bytes);
    },
    read: (hash) => ask('GET', hash, async (answer) => Buffer.from(await answer.arrayBuffer())),
    async remove(hash) {
      await ask('DELETE', hash, drained);
    },
  };
}

const drained = async (answer: Response): Promise<void> => void (await answer.arrayBuffer());
