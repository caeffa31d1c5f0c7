/** Providers as their platform makes them at the door, and pasts that nobody can wait for. */

import { createLedgerActivities } from '../../activities/payouts/ledger.ts';
import { newProvider, type ProviderOptions } from '../../harness/newProvider.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { Fact, PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { FAILURE, reserveRequest } from './books.ts';
import type { Door, Merchant, Reply } from './door.ts';

export interface TestProvider {
  readonly id: string;
  /** The provider's own. */
  readonly key: string;
  readonly merchant: Merchant;
}

export async function makeProvider(door: Door, merchant: Merchant, options: ProviderOptions = {}): Promise<TestProvider> {
  const made = await newProvider((method, path, asked) => door.call(method, path, asked), merchant.key, options);
  return { ...made, merchant };
}

export interface Past {
  readonly daysAgo: number;
  readonly outcome?: 'SUCCEEDED' | 'FAILED';
  readonly amountMinor?: bigint;
  readonly currency?: string;
}

/** A payout of this provider that was asked for, and ended, so many days ago. Its money comes from the provider's earnings. */
export async function past(door: Door, { id: providerId, merchant }: TestProvider, past: Past): Promise<PayoutRecord> {
  const { daysAgo, outcome = 'SUCCEEDED', amountMinor = 100n, currency = 'NGN' } = past;
  const { pool } = door.context;
  const ledger = createLedger(pool);
  const owner = { merchantId: merchant.id, mode: 'test' as const, providerId };
  const answer = await createLedgerActivities({ ledger, pool }).reserve(
    reserveRequest(owner, { amount: amountMinor, currency, dispatch: 'now' }),
  );
  if (answer.outcome !== 'reserved') throw new Error(answer.outcome);
  const { id } = answer.payout;
  const tell = (fact: Fact) => ledger.applyFact(id, `past:${fact.type}`, { ...fact, attempt: 1 }, 'system');
  if (answer.payout.state === 'IN_REVIEW') await tell({ type: 'approved', adminId: 'adm_past' });
  await tell({ type: 'attempt_started', attempt: 1 });
  const failed: Fact = { type: 'failed', attempt: 1, failure: { ...FAILURE, class: 'E' } };
  const { payout } = await tell(outcome === 'SUCCEEDED' ? { type: 'paid', attempt: 1 } : failed);
  if (payout.state !== outcome) throw new Error(`${payout.state}, not ${outcome}`);
  await door.db.owner.query(
    `UPDATE payouts SET created_at = created_at - $2 * interval '1 day', completed_at = completed_at - $2 * interval '1 day' WHERE id = $1`,
    [id, daysAgo],
  );
  return payout;
}

let asked = 0;

/** A machine on which thirty ask at once may make Temporal late for some of them: a client asks again. */
const LATE_TIMES = 20;

/** Asks to be paid, as a client should: under a key, and again for as long as no worker has answered. */
export async function askToBePaid(door: Door, provider: TestProvider, body: Record<string, unknown>): Promise<Reply> {
  asked += 1;
  const idempotencyKey = `asked-${asked}`;
  for (let late = 0; ; ) {
    const reply = await door.call('POST', '/api/provider/payouts', { key: provider.key, body, idempotencyKey });
    if (reply.status === 503) late += 1;
    if (reply.status !== 202 && (reply.status !== 503 || late === LATE_TIMES)) return reply;
  }
}
