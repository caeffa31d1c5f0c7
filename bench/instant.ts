/**
 * Withdrawals paid person to person: how fast payers claim slices, are given one, and prove that they paid, while many slices are
 * open. Beside them credits of users, the smallest thing that moves their money over HTTP, in the same run.
 */
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { installation } from '../harness/installation.ts';
import { readImage } from '../src/instant/images/screenshot.ts';
import { now, type Spread, spread } from './clock.ts';
import { CONCURRENCY, type House, openHouse, perSecond } from './house.ts';
import { untilIdle } from './processes.ts';

export interface InstantPlan {
  /** Slices that nobody has taken when the first is claimed. */
  readonly open: number;
  /** Of each measurement. */
  readonly seconds: number;
}

export interface Rate {
  readonly perSecond: number;
  /** ms from the request to its answer. */
  readonly answered: Spread;
}

export interface InstantResult {
  readonly plan: InstantPlan;
  readonly openedPerSecond: number;
  readonly credits: Rate;
  readonly claims: Rate;
  readonly deposits: Rate;
  readonly proofs: Rate;
  /** Screenshots read and made anew by one core, without anything else. */
  readonly imagesPerSecond: number;
}

const CURRENCY = 'INR';
/** As many as a withdrawal may have: the fewest requests until all are open. */
export const SLICES = 50;
const SLICE = '100.00';
const FUNDS = '50000000.00';
/** More than are claimed in a measurement on any machine we know; each payer may have one slice at a time. */
const PAYERS_PER_SECOND = 400;

export async function measureInstant(plan: InstantPlan, say: (line: string) => void): Promise<InstantResult> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const house = openHouse(here);
  try {
    await house.post('/api/v1/test/balance/fund', { amount: FUNDS, currency: CURRENCY });
    const openedPerSecond = await openSlices(house, plan.open);
    say(`${plan.open} slices are open, ${openedPerSecond.toFixed(0)}/s`);
    await untilIdle(here.home); // each slice has begun its workflow
    const payers = await house.users(PAYERS_PER_SECOND * plan.seconds * 2, '100', CURRENCY);
    const credits = await measureCredits(house, payers, plan.seconds);
    const slices = await openOnes(house);
    const { rate: claims, taken } = await measureClaims(house, slices, payers, plan.seconds);
    say(`claims: ${claims.perSecond.toFixed(0)}/s; credits: ${credits.perSecond.toFixed(0)}/s`);
    const deposits = await measureDeposits(house, payers.slice(PAYERS_PER_SECOND * plan.seconds), plan.seconds);
    const images = await Promise.all(taken.map(screenshot));
    const proofs = await measureProofs(house, taken, images, plan.seconds);
    say(`deposits: ${deposits.perSecond.toFixed(0)}/s; proofs: ${proofs.perSecond.toFixed(0)}/s`);
    return { plan, openedPerSecond, credits, claims, deposits, proofs, imagesPerSecond: await readAlone(images) };
  } finally {
    await house.close();
    await here.remove();
  }
}

async function openSlices(house: House, open: number): Promise<number> {
  const withdrawals = Math.ceil(open / SLICES);
  const payees = await house.users(withdrawals, String(SLICES * 10_000), CURRENCY);
  const from = now();
  for (const [nth, userId] of payees.entries())
    await house.post('/api/v1/instant-payouts', {
      userId,
      amount: `${SLICES * 100}.00`,
      currency: CURRENCY,
      reference: `bench-${nth}`,
      payee: { type: 'upi', upiId: `payee${nth}@bench` },
      maxBatch: SLICE,
    });
  return (withdrawals * SLICES) / ((now() - from) / 1_000);
}

async function openOnes(house: House): Promise<readonly string[]> {
  const rows = await house.rows<{ id: string }>(
    "SELECT id FROM instant_batches WHERE state = 'unassigned' ORDER BY md5(id)", // in no order: as payers choose
  );
  return rows.map(({ id }) => id);
}

/** So often for so many seconds, with what each took. */
async function rateOf(seconds: number, once: (nth: number) => Promise<unknown>): Promise<Rate> {
  const took: number[] = [];
  const rate = await perSecond(seconds, async (nth) => {
    const from = now();
    await once(nth);
    took.push(now() - from);
  });
  return { perSecond: rate, answered: spread(took) };
}

function nthOf<T>(all: readonly T[], nth: number): T {
  const found = all[nth - 1];
  if (found === undefined)
    throw new Error(`the bench needs more than ${all.length}: this machine is faster than it was made for`);
  return found;
}

async function measureCredits(house: House, users: readonly string[], seconds: number): Promise<Rate> {
  const credit = (externalId: string, user: string) =>
    house.post(`/api/v1/users/${user}/credit`, { amount: '1.00', currency: CURRENCY, externalId });
  await perSecond(1, (nth) => credit(`warm-${nth}`, nthOf(users, nth)));
  return await rateOf(seconds, (nth) => credit(`rate-${nth}`, nthOf(users, nth)));
}

async function measureClaims(
  house: House,
  slices: readonly string[],
  payers: readonly string[],
  seconds: number,
): Promise<{ rate: Rate; taken: readonly string[] }> {
  const taken: string[] = [];
  const rate = await rateOf(seconds, async (nth) => {
    const slice = nthOf(slices, nth);
    await house.post(`/api/v1/instant-payouts/batches/${slice}/claim`, { userId: nthOf(payers, nth) });
    taken.push(slice);
  });
  return { rate, taken };
}

const measureDeposits = (house: House, payers: readonly string[], seconds: number): Promise<Rate> =>
  rateOf(seconds, (nth) =>
    house.post('/api/v1/payins', { userId: nthOf(payers, nth), amount: SLICE, currency: CURRENCY, reference: `deposit-${nth}` }),
  );

/** Each looks otherwise: the same image again is somebody's fraud. */
const screenshot = (): Promise<Buffer> =>
  sharp(randomBytes(9 * 8), { raw: { width: 9, height: 8, channels: 1 } })
    .resize(360, 640, { kernel: 'nearest' })
    .png()
    .toBuffer();

/** Until the time is over, or all that were claimed are proven. */
async function measureProofs(house: House, taken: readonly string[], images: readonly Buffer[], seconds: number): Promise<Rate> {
  const took: number[] = [];
  const from = now();
  const until = from + seconds * 1_000;
  let [begun, last] = [0, from];
  const prover = async (): Promise<void> => {
    while (begun < taken.length && now() < until) {
      begun += 1;
      const [slice, image, began] = [nthOf(taken, begun), nthOf(images, begun), now()];
      await prove(house, slice, image, String(400_000_000_000 + begun * 97)); // no two within a digit of each other
      last = now();
      took.push(last - began);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, prover));
  return { perSecond: took.length / ((last - from) / 1_000), answered: spread(took) };
}

async function prove(house: House, slice: string, image: Buffer, utr: string): Promise<void> {
  const body = new FormData();
  body.set('image', new Blob([image], { type: 'image/png' }), 'shot.png');
  body.set('utr', utr);
  const headers = { 'x-api-key': house.key, 'x-idempotency-key': `proof-${slice}` };
  const answer = await fetch(`${house.baseUrl}/api/v1/instant-payouts/batches/${slice}/screenshot`, {
    method: 'POST',
    headers,
    body,
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`a proof was refused: ${answer.status} ${text}`);
}

/** What the making anew of a screenshot costs by itself, one after the other. */
async function readAlone(images: readonly Buffer[]): Promise<number> {
  const some = images.slice(0, 200);
  const from = now();
  for (const each of some) await readImage(each);
  return some.length / ((now() - from) / 1_000);
}
