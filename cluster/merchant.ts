/** A merchant who asks both APIs in turn, repeats what is answered "not now", and the PSP's own book beside it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './arrangement.ts';

export interface Order {
  /** The idempotency key, and the merchant's reference. */
  readonly key: string;
  /** What the account number ends in: the sandbox's scenario. */
  readonly ending: string;
  readonly amount?: string;
  /** The whole account number, where no scenario is wanted. */
  readonly account?: string;
}

export interface Transfer {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly status: string;
  readonly takenAt: string | null;
}

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Merchant {
  /** Asks under the order's key, at one API after the other, until there is an answer other than "not now". */
  ask(order: Order): Promise<Reply>;
  /** The id of the payout that was made. @throws where it was refused. */
  order(order: Order): Promise<string>;
  /** The status in which the payout ends; or the last one seen, when it takes longer than anything here may. */
  untilFinal(id: string): Promise<string>;
  call(method: string, path: string, body?: unknown, key?: string): Promise<Reply>;
  /** The PSP's own book, of all whose reference begins so. */
  transfers(prefix: string): Promise<Transfer[]>;
  /** How often the PSP has paid it, under whichever of its references. */
  paidByPsp(id: string): Promise<number>;
  /** What a tester may ask of the sandbox. */
  control(method: string, path: string, body?: unknown): Promise<Reply>;
  /** Lets the bank decide. */
  bank(reference: string, status: string): Promise<void>;
  /** Answers 503, 409 and broken connections after which the same request went to the other API. */
  repeats(): number;
}

const FINAL = new Set(['SUCCESS', 'FAILED', 'REJECTED', 'CANCELLED', 'RETURNED']);
const NOT_NOW = new Set([429, 503]);
const WITHIN_MS = 180_000; // a member of the ring that was killed is missed for some ten seconds
const PAUSE_MS = 500;

export function merchantOf({ urls, credentials }: Cluster): Merchant {
  let repeats = 0;
  let calls = 0;

  async function call(
    method: string,
    path: string,
    body?: unknown,
    key = credentials.merchants[0]?.testKey ?? '',
  ): Promise<Reply> {
    calls += 1;
    const headers = { 'x-api-key': key, ...(method === 'POST' ? { 'x-idempotency-key': randomUUID() } : {}) };
    return await request(`${urls[calls % urls.length]}${path}`, method, body, headers);
  }

  async function control(method: string, path: string, body?: unknown): Promise<Reply> {
    const reply = await request(`${credentials.sandboxUrl}/control/${path}`, method, body);
    if (reply.status >= 300) throw new Error(`the sandbox refused: ${JSON.stringify(reply.body)}`);
    return reply;
  }

  async function transfers(prefix: string): Promise<Transfer[]> {
    const found: Transfer[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await control('GET', `transfers?limit=1000&reference=${prefix}${cursor && `&cursor=${cursor}`}`);
      found.push(...(body['data'] as Transfer[]));
      if (body['nextCursor'] === null) return found;
      cursor = String(body['nextCursor']);
    }
  }

  async function ask({ key, ending, amount = '10.00', account: accountNumber = `1234567890${ending}` }: Order): Promise<Reply> {
    const destination = { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' };
    const body = { amount, currency: 'PKR', reference: key, destination };
    const headers = { 'x-api-key': credentials.merchants[0]?.testKey ?? '', 'x-idempotency-key': key };
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      calls += 1;
      const reply = await request(`${urls[calls % urls.length]}/api/v1/payouts`, 'POST', body, headers).catch(() => undefined);
      const isInFlight = reply?.status === 409 && reply.body['code'] === 'idempotency_key_in_flight';
      if (reply && !NOT_NOW.has(reply.status) && !isInFlight) return reply;
      if (performance.now() > deadline) throw new Error(`${key} was never answered`);
      repeats += 1;
      await sleep(PAUSE_MS);
    }
  }

  return {
    ask,
    call,
    repeats: () => repeats,
    async order(order) {
      const { status, body } = await ask(order);
      if (status !== 201 && status !== 202) throw new Error(`${order.key} was refused: ${status} ${JSON.stringify(body)}`);
      return String(body['id']);
    },
    async untilFinal(id) {
      const deadline = performance.now() + WITHIN_MS;
      for (let last = 'unreadable'; ; ) {
        const reply = await call('GET', `/api/v1/payouts/${id}?wait=5`).catch(() => undefined);
        if (reply?.status === 200) last = String(reply.body['status']);
        if (FINAL.has(last) || performance.now() > deadline) return last;
        if (reply?.status !== 200) await sleep(PAUSE_MS);
      }
    },
    transfers,
    control,
    async paidByPsp(id) {
      return (await transfers(id)).filter(({ status, takenAt }) => takenAt !== null && status === 'paid').length;
    },
    async bank(reference, status) {
      await control('POST', `transfers/${reference}`, { status });
    },
  };
}

async function request(url: string, method: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const answer = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Account endings with the status that each must end in. */
const ENDINGS = [
  ['0001', 'SUCCESS'],
  ['0001', 'SUCCESS'],
  ['0002', 'SUCCESS'], // after a retry
  ['0003', 'FAILED'],
  ['0008', 'SUCCESS'], // the PSP takes it and never answers
] as const;

const AT_ONCE = 25;

/**
 * Payouts of every ending, each followed to its end. @returns what was wrong.
 * @param inTheMiddle called when half of them are accepted.
 */
export async function payMany(merchant: Merchant, count: number, inTheMiddle?: () => Promise<void>): Promise<string[]> {
  const run = Date.now().toString(36);
  let next = 0;
  let accepted = 0;
  let middle: Promise<void> | undefined;
  const wrong: string[] = [];

  async function payOne(nth: number): Promise<void> {
    const [ending, expected] = ENDINGS[nth % ENDINGS.length] ?? ENDINGS[0];
    const id = await merchant.order({ key: `${run}-${nth}`, ending });
    accepted += 1;
    if (accepted >= count / 2) middle ??= inTheMiddle?.() ?? Promise.resolve();
    wrong.push(...(await wrongEnd(merchant, id, expected)));
  }

  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        next += 1;
        await payOne(next - 1);
      }
    }),
  );
  await middle;
  return wrong;
}

/** Waits for its end. Empty where it is as it should be, and the PSP has paid it as often. */
export async function wrongEnd(merchant: Merchant, id: string, expected: string): Promise<string[]> {
  const status = await merchant.untilFinal(id);
  const paid = await merchant.paidByPsp(id);
  if (status === expected && paid === (expected === 'SUCCESS' ? 1 : 0)) return [];
  return [`${id} is ${status}, not ${expected}, and was paid ${paid} times`];
}
