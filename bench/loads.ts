/** Closed loop: so many at once, as fast as they go. Open loop: so many a second, whatever comes of the earlier ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './clock.ts';
import type { Subject } from './subjects.ts';

export interface Measured {
  readonly paid: number;
  readonly perSecond: number;
  /** ms from the request to its answer, and to the moment it was paid. */
  readonly acceptMs: readonly number[];
  readonly paidMs: readonly number[];
}

export async function closedLoop(subject: Subject, concurrency: number, seconds: number): Promise<Measured> {
  const acceptMs: number[] = [];
  const paidMs: number[] = [];
  const startedAt = now();
  const until = startedAt + seconds * 1_000;
  let within = 0; // paid within the time; what is still under way at its end is waited for but not counted
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (now() < until) {
        const paidAt = await payOne(subject, acceptMs, paidMs);
        if (paidAt <= until) within += 1;
      }
    }),
  );
  return { paid: paidMs.length, perSecond: within / seconds, acceptMs, paidMs };
}

/** So many in all, some of them at once. */
export async function payMany(subject: Subject, count: number, concurrency: number): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left > 0) {
        left -= 1;
        await payOne(subject, [], []);
      }
    }),
  );
}

export async function openLoop(subject: Subject, perSecond: number, seconds: number): Promise<Measured> {
  const acceptMs: number[] = [];
  const paidMs: number[] = [];
  const started: Promise<number>[] = [];
  const startedAt = now();
  for (let nth = 0; nth < perSecond * seconds; nth += 1) {
    const waitMs = startedAt + (nth * 1_000) / perSecond - now();
    if (waitMs > 0) await sleep(waitMs);
    started.push(payOne(subject, acceptMs, paidMs));
  }
  await Promise.all(started);
  return { paid: paidMs.length, perSecond: paidMs.length / ((now() - startedAt) / 1_000), acceptMs, paidMs };
}

async function payOne(subject: Subject, acceptMs: number[], paidMs: number[]): Promise<number> {
  const from = now();
  const id = await subject.accept();
  acceptMs.push(now() - from);
  const paidAt = await subject.paidAt(id);
  paidMs.push(paidAt - from);
  return paidAt;
}
