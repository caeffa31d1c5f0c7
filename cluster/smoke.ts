/** Payouts over both APIs while half of the cluster dies: what a merchant sees, and the PSP's own book beside it. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface SmokeWorld {
  /** The two APIs. */
  readonly urls: readonly string[];
  readonly sandboxUrl: string;
  readonly key: string;
}

/** Account endings with the status that each must end in. */
const ENDINGS = [
  ['0001', 'SUCCESS'],
  ['0001', 'SUCCESS'],
  ['0002', 'SUCCESS'], // after a retry
  ['0003', 'FAILED'],
  ['0008', 'SUCCESS'], // the PSP takes it and never answers
] as const;

const FINAL = new Set(['SUCCESS', 'FAILED', 'REJECTED', 'CANCELLED', 'RETURNED']);
const WITHIN_MS = 180_000; // a member of the ring that was killed is missed for some ten seconds

export interface Outcome {
  readonly payouts: number;
  /** Answers 503, 202, 409 and broken connections after which the same request went to the other API. */
  readonly repeats: number;
  readonly wrong: readonly string[];
}

/** @param inTheMiddle called when half of them are accepted. */
export async function payMany(world: SmokeWorld, count: number, inTheMiddle?: () => Promise<void>): Promise<Outcome> {
  const run = Date.now().toString(36);
  let repeats = 0;
  let accepted = 0;
  let middle: Promise<void> | undefined;
  const wrong: string[] = [];

  async function payOne(nth: number): Promise<void> {
    const [ending, status] = ENDINGS[nth % ENDINGS.length] ?? ENDINGS[0];
    const id = await accept(nth, ending);
    accepted += 1;
    if (accepted >= count / 2) middle ??= inTheMiddle?.() ?? Promise.resolve();
    const payout = await untilFinal(nth, id);
    if (payout.status !== status) wrong.push(`${id} to ${ending} is ${payout.status}, not ${status}`);
    const taken = await takenByPsp(id);
    if (taken !== (status === 'SUCCESS' ? 1 : 0)) wrong.push(`${id} was paid ${taken} times, and is ${payout.status}`);
  }

  async function accept(nth: number, ending: string): Promise<string> {
    const body = JSON.stringify({
      amount: '10.00',
      currency: 'PKR',
      reference: `${run}-${nth}`,
      destination: { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${ending}`, accountTitle: 'Ayesha Khan' },
    });
    const headers = { 'x-api-key': world.key, 'x-idempotency-key': `${run}-${nth}`, 'content-type': 'application/json' };
    const deadline = Date.now() + WITHIN_MS;
    for (let api = nth; Date.now() < deadline; api += 1) {
      const answer = await fetch(`${urlOf(world, api)}/api/v1/payouts`, { method: 'POST', headers, body }).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined);
      if (answer && text && (answer.status === 201 || answer.status === 202)) return (JSON.parse(text) as { id: string }).id;
      if (answer && ![409, 429, 503].includes(answer.status)) throw new Error(`refused: ${answer.status} ${text}`);
      repeats += 1; // under the same key, at the other one
      await sleep(500);
    }
    throw new Error(`payout ${nth} was never accepted`);
  }

  async function untilFinal(nth: number, id: string): Promise<{ status: string }> {
    const deadline = Date.now() + WITHIN_MS;
    for (let api = nth; ; api += 1) {
      const answer = await fetch(`${urlOf(world, api)}/api/v1/payouts/${id}?wait=5`, { headers: { 'x-api-key': world.key } }).catch(() => undefined); // biome-ignore format: one call
      const payout = answer?.ok ? ((await answer.json()) as { status: string }) : undefined;
      if (payout && FINAL.has(payout.status)) return payout;
      if (Date.now() > deadline) return payout ?? { status: `unreadable (${answer?.status})` };
      if (!payout) await sleep(500);
    }
  }

  async function takenByPsp(id: string): Promise<number> {
    const answer = await fetch(`${world.sandboxUrl}/control/transfers?reference=${id}`);
    const { data } = (await answer.json()) as { data: { status: string; takenAt: string | null }[] };
    return data.filter(({ status, takenAt }) => takenAt !== null && status === 'paid').length;
  }

  const AT_ONCE = 25;
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        next += 1;
        await payOne(next - 1);
      }
    }),
  );
  await middle;
  return { payouts: count, repeats, wrong };
}

const urlOf = ({ urls }: SmokeWorld, nth: number): string => urls[nth % urls.length] ?? '';
