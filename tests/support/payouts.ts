/** Payouts as a merchant makes them, and what a merchant and the PSP can see of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { CallOptions, Installation, Reply } from '../../harness/installation.ts';
import { askSimulator, type Transfer, transfersAt } from '../../harness/simulatorControl.ts';

export interface PayoutBody {
  readonly id: string;
  readonly status: string;
  readonly amount: string;
  readonly fee: string;
  readonly attempts: number;
  readonly reference: string;
  readonly waitingOn: string | null;
  readonly failure: { code: string; message: string; retryable: boolean } | null;
  readonly hold: { reason: string; source: string } | null;
  readonly review: { reasons: { code: string }[]; approvals: unknown[] } | null;
  readonly [field: string]: unknown;
}

export interface Balance {
  readonly currency: string;
  readonly available: string;
  readonly locked: string;
  readonly total: string;
  readonly version: number;
}

let count = 0;

/** A payout's request to an account with this ending, 100.00 PKR unless changed. */
export function payoutTo(suffix: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  count += 1;
  return {
    amount: '100.00',
    currency: 'PKR',
    reference: `E2E-${process.pid}-${count}`,
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: `1234567890${suffix}`, accountTitle: 'Ayesha Khan' },
    ...change,
  };
}

export async function pay(
  here: Installation,
  suffix: string,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<PayoutBody> {
  const answer = await here.call<PayoutBody>('POST', '/api/v1/payouts', { body: payoutTo(suffix, change), ...options });
  if (answer.status !== 201) throw new Error(`not taken in: ${answer.status} ${answer.text}`);
  return answer.body;
}

export const read = async (here: Installation, id: string, options: CallOptions = {}): Promise<PayoutBody> =>
  (await here.call<PayoutBody>('GET', `/api/v1/payouts/${id}`, options)).body;

/** Waits by the API's own long poll. Fails with the timeline after a time that no healthy machine needs. */
export async function until(here: Installation, id: string, status: string, options: CallOptions = {}): Promise<PayoutBody> {
  const deadline = performance.now() + 90_000;
  for (;;) {
    const payout = (await here.call<PayoutBody>('GET', `/api/v1/payouts/${id}?wait=2`, options)).body;
    if (payout.status === status) return payout;
    if (performance.now() > deadline) {
      const timeline = await here.call('GET', `/api/v1/payouts/${id}/timeline`, options);
      throw new Error(`${id} is ${payout.status}, not ${status}: ${timeline.text}`);
    }
    await sleep(100); // a payout that has ended answers at once: without a pause the rate limit would
  }
}

export async function balance(here: Installation, currency = 'PKR', options: CallOptions = {}): Promise<Balance> {
  const { body } = await here.call<{ balances: Balance[] }>('GET', '/api/v1/balance', options);
  const found = body.balances.find((each) => each.currency === currency);
  if (!found) throw new Error(`no balance in ${currency}`);
  return found;
}

/** The PSP's own book: the witness that does not depend on what we believe. */
export const transfers = (here: Installation, prefix: string): Promise<Transfer[]> =>
  transfersAt(here.credentials.sandboxUrl, prefix);

export async function control(here: Installation, path: string, body?: unknown, method?: string): Promise<void> {
  await askSimulator(here.credentials.sandboxUrl, path, body, method);
}

export const admin = (here: Installation, role: string, nth = 0): { id: string; key: string } => {
  const found = here.credentials.admins.filter((each) => each.role === role)[nth];
  if (!found) throw new Error(`no ${role}`);
  return found;
};

/** Asks until it holds; the last failure is the test's. */
export async function eventually(check: () => Promise<void> | void, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

export function problem(answer: Reply, status: number, code: string, pointer?: string): void {
  expect({ status: answer.status, code: answer.body['code'], pointers: pointersOf(answer) }).toMatchObject({
    status,
    code,
    ...(pointer === undefined ? {} : { pointers: expect.arrayContaining([pointer]) }),
  });
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
}

const pointersOf = (answer: Reply): string[] =>
  ((answer.body['errors'] as { pointer: string }[] | undefined) ?? []).map(({ pointer }) => pointer);

/** Every rule of the books holds now. */
export async function booksAreBalanced(here: Installation): Promise<void> {
  const { body } = await here.call<{ data: { name: string; violations: number }[] }>('GET', '/api/admin/invariants', {
    key: admin(here, 'viewer').key,
  });
  expect(body.data.length).toBeGreaterThan(5);
  expect(body.data.filter(({ violations }) => violations !== 0)).toEqual([]);
}
