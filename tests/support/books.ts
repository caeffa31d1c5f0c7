/** A small world of merchants and payouts over the real ledger, for tests that say what happened and look at the money. */

import { expect } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { createLedger, type Ledger, type ReserveAnswer, type ReserveRequest } from '../../src/ledger/ledger.ts';
import { type EarningAnswer, fundBalance, postEarning } from '../../src/ledger/postings.ts';
import type { Dispatch, Fact, FactAnswer, Mode, PayoutRecord, ReviewReason } from '../../src/payouts/rules/contract.ts';
import type { FactType } from '../../src/payouts/rules/machine.ts';
import { reserveAssessed } from '../../src/risk/assessed.ts';
import { BUILT_IN_POLICY, type RiskPolicy } from '../../src/risk/rules/policy.ts';
import { newId } from '../../src/rules/newId.ts';
import { type TestDatabase, testDatabase } from './database.ts';

export interface Owner {
  readonly merchantId: string;
  readonly mode: Mode;
  /** A provider of this merchant, whose own money it is. */
  readonly providerId?: string;
}

export type Provider = Owner & { readonly providerId: string };

export interface Money {
  readonly available: bigint;
  readonly reserved: bigint;
}

export interface PayoutOptions {
  readonly payoutId?: string;
  readonly amount?: bigint;
  readonly fee?: bigint;
  readonly currency?: string;
  readonly reference?: string;
  readonly callbackUrl?: string | null;
  readonly psp?: string;
  readonly reviewReasons?: readonly ReviewReason[];
  readonly makerId?: string | null;
  readonly dispatch?: Dispatch;
  readonly maxAttempts?: number;
}

export interface EarningOptions {
  readonly earningId?: string;
  readonly externalId?: string;
  readonly currency?: string;
}

/** Also what nobody of ours would say. */
export type Telling = { readonly key?: string; readonly [said: string]: unknown };

export interface Books {
  readonly db: TestDatabase;
  readonly ledger: Ledger;
  /** A new merchant with this much available. */
  merchant(funds: bigint, currency?: string): Promise<Owner>;
  fund(owner: Owner, amount: bigint, externalId?: string, currency?: string): Promise<string>;
  /** A new provider of this merchant, verified, with a bank account, that has earned these amounts. */
  provider(merchant: Owner, ...earned: bigint[]): Promise<Provider>;
  earn(provider: Provider, amount: bigint, options?: EarningOptions): Promise<EarningAnswer>;
  /** From now on these limits decide, for the payouts of all merchants. */
  policy(change: Partial<RiskPolicy>): Promise<void>;
  reserve(owner: Owner, options?: PayoutOptions): Promise<ReserveAnswer>;
  /** A payout that was taken in: its id. */
  payout(owner: Owner, options?: PayoutOptions): Promise<string>;
  /** Tells the ledger a fact under a key that is new each time, unless one is given. */
  tell(payoutId: string, type: FactType, telling?: Telling): Promise<FactAnswer>;
  /** Tells facts one after the other (`'paid 2'` is paid of attempt 2); each must be applied. The payout after the last. */
  told(payoutId: string, ...facts: string[]): Promise<PayoutRecord>;
  money(owner: Owner, currency?: string): Promise<Money>;
  /** `available/amount` of each earning of a provider, the oldest first. */
  earnings(provider: Provider): Promise<string[]>;
  /** `round state amount` of each use that a payout makes of an earning, in the order of the earnings. */
  uses(payoutId: string): Promise<string[]>;
  /** What the owner owes us after late successes. */
  debt(owner: Owner): Promise<bigint>;
  /** `TYPE amount` of each entry of a payout, in order. */
  entries(payoutId: string): Promise<string[]>;
  /** `type from→to` of each event of a payout, in order. */
  timeline(payoutId: string): Promise<string[]>;
  /** `number state` of each attempt of a payout, in order. */
  attempts(payoutId: string): Promise<string[]>;
  /** Names of the invariants that are broken now: none, in every test that does not break one on purpose. */
  broken(): Promise<string[]>;
  /** Fails with the rows that break an invariant. */
  expectInOrder(): Promise<void>;
  stop(): Promise<void>;
}

/** Of every payee's account in the books below. */
export const ACCOUNT_NUMBER = '12345678900001';

export const FAILURE = { class: 'B', code: 'temporary', message: 'the bank is away', retryable: true } as const;

export function reserveRequest(owner: Owner, options: PayoutOptions = {}): ReserveRequest {
  const payoutId = options.payoutId ?? newId('po');
  const { merchantId, mode, providerId } = owner;
  return {
    payoutId,
    merchantId,
    mode,
    ...(providerId === undefined ? {} : { kind: 'provider' as const, owner: { kind: 'provider' as const, id: providerId } }),
    ...(options.dispatch === undefined ? {} : { dispatch: options.dispatch }),
    ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
    currency: options.currency ?? 'PKR',
    amountMinor: String(options.amount ?? 1000n),
    feeMinor: String(options.fee ?? 0n),
    reviewUntil: '2026-12-31T00:00:00.000Z',
    reference: options.reference ?? `ref-${payoutId}`,
    description: null,
    metadata: {},
    callbackUrl: options.callbackUrl ?? null,
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: ACCOUNT_NUMBER, iban: null, accountTitle: 'Ayesha Khan' },
    psp: options.psp ?? 'sandbox',
    makerId: options.makerId ?? null,
    reviewReasons: options.reviewReasons ?? [],
  };
}

/**
 * @param connections how many callers the application's role can have at work at once.
 * @param on a database that somebody else has opened, and stops.
 */
export async function openBooks({ connections = 10, on }: { connections?: number; on?: TestDatabase } = {}): Promise<Books> {
  const db = on ?? (await testDatabase({ connections }));
  const { owner: sql } = db;
  const ledger = createLedger(db.pool);
  let keys = 0;
  let policies = BUILT_IN_POLICY.version;

  const strings = async (query: string, value: string): Promise<string[]> => {
    const { rows } = await sql.query<{ line: string }>(query, [value]);
    return rows.map((row) => row.line);
  };

  const books: Books = {
    db,
    ledger,
    async merchant(funds, currency) {
      const owner: Owner = { merchantId: newId('mer'), mode: 'test' };
      if (funds > 0n) await books.fund(owner, funds, 'opening', currency);
      return owner;
    },
    async fund(owner, amount, externalId = newId('ext'), currency = 'PKR') {
      const { outcome } = await fundBalance(db.pool, { ...owner, currency, amountMinor: String(amount), externalId });
      return outcome;
    },
    async provider({ merchantId, mode }, ...earned) {
      const provider: Provider = { merchantId, mode, providerId: newId('prv') };
      await sql.query(
        `INSERT INTO providers (id, merchant_id, mode, external_id, name, email, verified) VALUES ($1, $2, $3, $1, 'Ada', 'ada@p.example', true)`,
        [provider.providerId, merchantId, mode],
      );
      await sql.query(
        `INSERT INTO provider_bank_accounts (id, provider_id, bank_code, account_number, account_name) VALUES ($1, $2, '044', '0690000031', 'Ada')`,
        [newId('pba'), provider.providerId],
      );
      for (const amount of earned) {
        const { outcome } = await books.earn(provider, amount);
        if (outcome !== 'posted') throw new Error(`not posted: ${outcome}`);
      }
      return provider;
    },
    earn: (provider, amount, { earningId = newId('ern'), externalId = earningId, currency = 'PKR' } = {}) =>
      postEarning(db.pool, { ...provider, earningId, externalId, currency, amountMinor: String(amount), description: null }),
    async policy(change) {
      policies += 1;
      await sql.query(`INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ('', $1, $2, 'adm_1')`, [
        policies,
        { ...BUILT_IN_POLICY.rules, ...change },
      ]);
    },
    reserve: (owner, options) => reserveAssessed(ledger, reserveRequest(owner, options)),
    async payout(owner, options) {
      const answer = await books.reserve(owner, options);
      if (answer.outcome !== 'reserved') throw new Error(`not taken in: ${answer.outcome}`);
      return answer.payout.id;
    },
    tell(payoutId, type, { key, ...data } = {}) {
      keys += 1;
      const failure = type === 'attempt_failed' || type === 'failed' ? { failure: FAILURE } : {};
      return ledger.applyFact(payoutId, key ?? `test:${keys}`, { type, ...failure, ...data } as Fact, 'system');
    },
    async told(payoutId, ...facts) {
      let answer: FactAnswer | undefined;
      for (const line of facts) {
        const [type = '', attempt] = line.split(' ');
        answer = await books.tell(
          payoutId,
          type as FactType,
          attempt === undefined ? {} : { attempt: Number.parseInt(attempt, 10) },
        );
        if (answer.outcome !== 'applied') throw new Error(`${line}: ${answer.outcome} in state ${answer.payout.state}`);
      }
      if (!answer) throw new Error('nothing was told');
      return answer.payout;
    },
    async money(owner, currency = 'PKR') {
      const { rows } = await sql.query<{ available: string; reserved: string }>(
        'SELECT available, reserved FROM balances WHERE owner_kind = $1 AND owner_id = $2 AND mode = $3 AND currency = $4',
        [...ownerOf(owner), owner.mode, currency],
      );
      return { available: BigInt(rows[0]?.available ?? 0), reserved: BigInt(rows[0]?.reserved ?? 0) };
    },
    async debt(owner) {
      const { rows } = await sql.query<{ debt: string }>(
        `SELECT coalesce(sum(CASE a.id WHEN e.debit_account THEN e.amount ELSE -e.amount END), 0)::text AS debt
           FROM accounts a JOIN ledger_entries e ON a.id IN (e.debit_account, e.credit_account)
          WHERE a.owner_kind = $1 AND a.owner_id = $2 AND a.mode = $3 AND a.purpose = 'debt'`,
        [...ownerOf(owner), owner.mode],
      );
      return BigInt(rows[0]?.debt ?? 0);
    },
    earnings: ({ providerId }) =>
      strings(`SELECT available || '/' || amount AS line FROM earnings WHERE provider_id = $1 ORDER BY id`, providerId),
    uses: (id) =>
      strings(
        `SELECT round || ' ' || state || ' ' || amount AS line FROM earning_uses WHERE payout_id = $1 ORDER BY round, earning_id, state`,
        id,
      ),
    entries: (id) => strings(`SELECT type || ' ' || amount AS line FROM ledger_entries WHERE subject_id = $1 ORDER BY id`, id),
    timeline: (id) =>
      strings(
        `SELECT type || ' ' || coalesce(from_state, '') || '→' || to_state AS line FROM events WHERE subject_id = $1 ORDER BY sequence`,
        id,
      ),
    attempts: (id) =>
      strings(`SELECT attempt || ' ' || state AS line FROM payout_attempts WHERE payout_id = $1 ORDER BY attempt`, id),
    async broken() {
      const results = await checkInvariants(db.pool);
      return results.filter((each) => each.violations > 0).map((each) => each.name);
    },
    async expectInOrder() {
      const results = await checkInvariants(db.pool);
      expect(results.filter((each) => each.violations > 0)).toEqual([]);
    },
    stop: () => db.stop(),
  };
  return books;
}

const ownerOf = ({ merchantId, providerId }: Owner): [kind: string, id: string] =>
  providerId === undefined ? ['merchant', merchantId] : ['provider', providerId];
