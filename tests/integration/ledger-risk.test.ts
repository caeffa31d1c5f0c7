/** What the verdict on a provider's payout is made of: facts as they are when it is taken in, whoever else is asking. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RiskQuestion } from '../../src/ledger/ledger.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { assess, type RiskFacts, type RiskRecord } from '../../src/risk/rules/assess.ts';
import { BUILT_IN_POLICY, FAILURE_HISTORY_DAYS, FAILURES_KEPT, type RiskPolicy } from '../../src/risk/rules/policy.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, type PayoutOptions, type Provider, reserveRequest } from '../support/books.ts';

const CALLERS = 30;
const LENIENT: Partial<RiskPolicy> = {
  minSuccesses: 0,
  velocityMinRequests: 1_000_000,
  maxRecentFailures: 19,
  amountTimesMean: 1_000_000,
};

let books: Books;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const provider = async (earned = 1_000_000n): Promise<Provider> => await books.provider(await books.merchant(earned), earned);

/** What the ledger asks to be assessed, if this payout were asked for now. */
async function question(who: Provider, options: PayoutOptions = {}, risk?: RiskRecord): Promise<RiskQuestion> {
  const answer = await books.ledger.reserve(reserveRequest(who, options), risk);
  if (answer.outcome !== 'assess') throw new Error(`no question, but ${answer.outcome}`);
  return answer;
}
const facts = async (who: Provider, options: PayoutOptions = {}): Promise<RiskFacts> => (await question(who, options)).facts;
const verdictOn = ({ facts: known, policy }: RiskQuestion): RiskRecord => {
  const { version, merchantId, rules } = policy ?? BUILT_IN_POLICY;
  return { policyVersion: version, policyMerchantId: merchantId, facts: known, verdict: assess(known, rules) };
};
const reserved = async (who: Provider, options: PayoutOptions = {}): Promise<PayoutRecord> => {
  const answer = await books.reserve(who, options);
  if (!('payout' in answer)) throw new Error(`not taken in: ${answer.outcome}`);
  return answer.payout;
};

/** A payout that came to this end, so many hours ago. */
async function past(
  who: Provider,
  end: 'paid' | 'failed' | 'returned' | 'cancelled',
  hoursAgo: number,
  options: PayoutOptions = {},
): Promise<string> {
  const { id, review } = await reserved(who, options);
  if (end === 'cancelled') await books.told(id, 'cancelled');
  else {
    if (review) await books.tell(id, 'approved', { adminId: 'adm_1' });
    await books.told(id, 'attempt_started 1', ...(end === 'returned' ? ['paid 1', 'returned 1'] : [`${end} 1`]));
  }
  const back = `interval '${hoursAgo} hours'`;
  await books.db.owner.query(
    `BEGIN; SET LOCAL session_replication_role = replica;
     UPDATE payouts SET created_at = created_at - ${back}, completed_at = completed_at - ${back} WHERE id = '${id}';
     UPDATE events SET at = at - ${back} WHERE subject_id = '${id}'; COMMIT`,
  );
  return id;
}

async function newBankAccount(who: Provider, hoursAgo = 0): Promise<void> {
  await books.db.owner.query(
    `INSERT INTO provider_bank_accounts (id, provider_id, bank_code, account_number, account_name, created_at)
     VALUES ($1, $2, '044', '0690000032', 'Ada', now() - make_interval(hours => $3))`,
    [newId('pba'), who.providerId, hoursAgo],
  );
}

test('a new provider is not trusted, and the payout keeps the facts, the verdict and the policy', async () => {
  const who = await provider();
  await books.db.owner.query('UPDATE providers SET verified = false WHERE id = $1', [who.providerId]);
  const payout = await reserved(who, { amount: 5000n });
  expect(payout).toMatchObject({ state: 'IN_REVIEW', kind: 'provider', risk: { policyVersion: 1, policyMerchantId: '' } });
  expect(payout.risk?.facts).toMatchObject({
    amountMinor: '5000', currency: 'PKR', verified: false, completedPayouts: 0, failedAt: [], bankChangedAt: null,
    requestsLast24h: 1, requestsLast30d: 1, lastCompleted: { count: 0, sumMinor: '0' },
  }); // biome-ignore format: one glance
  expect(payout.risk?.verdict.reasons.map(({ code }) => code)).toEqual(['provider_unverified', 'too_few_successes']);
  expect(payout.review?.reasons).toEqual(payout.risk?.verdict.reasons);
  expect(await books.timeline(payout.id)).toEqual(['payout.created →IN_REVIEW', 'payout.in_review →IN_REVIEW']);
});

test('after three completed payouts a verified provider is paid without anybody looking', async () => {
  const who = await provider();
  for (const _ of [1, 2]) await past(who, 'paid', 48);
  expect((await reserved(who)).state).toBe('IN_REVIEW');
  await past(who, 'paid', 48);
  const payout = await reserved(who);
  expect([payout.state, payout.review, payout.risk?.verdict]).toEqual(['QUEUED', null, { decision: 'APPROVE', reasons: [] }]);
});

test('nothing is written while the ledger waits for a verdict', async () => {
  const who = await provider();
  const { id } = await reserved(who);
  const before = await books.money(who);
  const payoutId = newId('po');
  await question(who, { payoutId });
  expect([await books.ledger.read(payoutId), await books.money(who)]).toEqual([undefined, before]);
  expect((await books.ledger.read(id))?.sequence).toBe(2);
});

test('only what was completed counts as a success, whatever the currency; only its own currency makes the mean', async () => {
  const who = await provider();
  await books.fund(who, 1_000_000n, 'opening-ngn', 'NGN');
  await books.earn(who, 1_000_000n, { currency: 'NGN' });
  await past(who, 'paid', 1, { amount: 100n });
  await past(who, 'paid', 2, { amount: 700n, currency: 'NGN' });
  await past(who, 'failed', 1);
  await past(who, 'returned', 1);
  await past(who, 'cancelled', 1);
  await reserved(who);
  expect(await facts(who)).toMatchObject({ completedPayouts: 2, lastCompleted: { count: 1, sumMinor: '100' } });
  expect(await facts(who, { currency: 'NGN' })).toMatchObject({
    completedPayouts: 2,
    lastCompleted: { count: 1, sumMinor: '700' },
  });
});

test('the mean is of the last ten, however many there were', async () => {
  const who = await provider();
  for (let age = 1; age <= 11; age += 1) await past(who, 'paid', age, { amount: age === 11 ? 50_000n : BigInt(age) });
  expect((await facts(who)).lastCompleted).toEqual({ count: 10, sumMinor: '55' });
});

test('a failure counts from when it failed, a return from when it came back, and none that was paid in the end', async () => {
  const who = await provider();
  await past(who, 'failed', 5);
  await past(who, 'returned', 3);
  const again = await past(who, 'failed', 1);
  await books.told(again, 'reinitiated', 'attempt_started 2', 'paid 2');
  await past(who, 'cancelled', 2);
  const { at, failedAt } = await facts(who);
  expect(failedAt.map((time) => Math.round((Date.parse(at) - Date.parse(time)) / 3_600_000))).toEqual([3, 5]);
});

test('failures that no policy can ask for are left out: the old ones, and more than the newest few', async () => {
  const who = await provider();
  await past(who, 'failed', FAILURE_HISTORY_DAYS * 24); // some milliseconds more by now
  await past(who, 'failed', FAILURE_HISTORY_DAYS * 24 - 1);
  expect((await facts(who)).failedAt).toHaveLength(1);
  for (let age = 1; age <= FAILURES_KEPT; age += 1) await past(who, 'failed', age, { amount: 1n });
  const { failedAt } = await facts(who);
  expect(failedAt).toHaveLength(FAILURES_KEPT);
  expect([...failedAt].sort().reverse()).toEqual(failedAt);
});

test('requests are counted in a moving day and month, this one with them, whatever became of them', async () => {
  const who = await provider();
  await past(who, 'paid', 24);
  await past(who, 'cancelled', 23);
  await past(who, 'failed', 30 * 24);
  await past(who, 'paid', 30 * 24 - 1);
  await reserved(who);
  expect(await facts(who)).toMatchObject({ requestsLast24h: 3, requestsLast30d: 5 });
});

test('the first bank account is no change; the next is, from when it was entered', async () => {
  const who = await provider();
  expect((await facts(who)).bankChangedAt).toBeNull();
  await newBankAccount(who, 3);
  const { at, bankChangedAt } = await facts(who);
  expect(Math.round((Date.parse(at) - Date.parse(bankChangedAt ?? '')) / 3_600_000)).toBe(3);
  await newBankAccount(who);
  expect((await facts(who)).bankChangedAt).not.toBe(bankChangedAt);
  expect((await reserved(who)).risk?.verdict.reasons.map(({ code }) => code)).toContain('bank_details_changed');
});

test('a verdict on facts that have changed since, or that nobody ever stated, is not taken', async () => {
  const who = await provider();
  const options = { payoutId: newId('po') };
  const risk = verdictOn(await question(who, options));
  const elsewhen = { ...risk, facts: { ...risk.facts, at: '2020-01-01T00:00:00.000Z' } };
  const later = { ...risk, facts: { ...risk.facts, at: '2120-01-01T00:00:00.000Z' } };
  const another = { ...risk, facts: { ...risk.facts, amountMinor: '1' } };
  const trusting = { ...risk, facts: { ...risk.facts, completedPayouts: 100 } };
  for (const false_ of [elsewhen, later, another, trusting]) {
    expect((await question(who, options, false_)).facts).toMatchObject({ amountMinor: '1000', completedPayouts: 0 });
  }
  await books.db.owner.query('UPDATE providers SET verified = false WHERE id = $1', [who.providerId]);
  expect((await question(who, options, risk)).facts.verified).toBe(false);
  await books.db.owner.query('UPDATE providers SET verified = true WHERE id = $1', [who.providerId]);
  expect((await books.ledger.reserve(reserveRequest(who, options), risk)).outcome).toBe('reserved');
});

test('a repeat gets the first answer without a question, whatever the facts and the policy are by then', async () => {
  const who = await provider();
  const options = { payoutId: newId('po'), amount: 700n };
  const first = await reserved(who, options);
  await newBankAccount(who);
  const again = await books.ledger.reserve(reserveRequest(who, options));
  expect(again).toMatchObject({ outcome: 'already', payout: first });
  expect((await books.ledger.read(first.id))?.risk).toEqual(first.risk);
});

test('30 requests at once against one velocity limit: exactly those under it pass, and each counted itself', async () => {
  const who = await provider();
  for (const _ of [1, 2, 3]) await past(who, 'paid', 40 * 24, { amount: 1000n });
  const payouts = await Promise.all(Array.from({ length: CALLERS }, () => reserved(who)));
  const counted = payouts.map(({ risk }) => risk?.facts.requestsLast24h ?? 0).sort((a, b) => a - b);
  expect(counted).toEqual(Array.from({ length: CALLERS }, (_, index) => index + 1));
  // From the fifth on: 5 × 30 is more than 3 × 5.
  expect(payouts.filter(({ state }) => state === 'QUEUED')).toHaveLength(4);
  for (const { state, risk } of payouts) expect(state === 'QUEUED').toBe((risk?.facts.requestsLast24h ?? 0) < 5);
});

test('a limit on requests is not to be had once per currency: requests in two at once are counted together', async () => {
  const who = await provider();
  await books.fund(who, 1_000_000n, 'opening-usd', 'USD');
  await books.earn(who, 1_000_000n, { currency: 'USD' });
  for (const _ of [1, 2, 3]) await past(who, 'paid', 40 * 24);
  const payouts = await Promise.all(
    Array.from({ length: 20 }, (_, index) => reserved(who, { currency: index % 2 === 0 ? 'PKR' : 'USD' })),
  );
  expect(payouts.filter(({ state }) => state === 'QUEUED')).toHaveLength(4);
});

test('a new policy decides what comes after it, a merchant has its own, and what was decided keeps its version', async () => {
  const [who, other] = [await provider(), await provider()];
  const before = await reserved(who);
  const options = { payoutId: newId('po') };
  const risk = verdictOn(await question(who, options));
  await books.policy(LENIENT); // between the question and the answer
  expect(await question(who, options, risk)).toMatchObject({ policy: { version: 2, merchantId: '', rules: LENIENT } });
  expect(await reserved(who, options)).toMatchObject({ state: 'QUEUED', risk: { policyVersion: 2, policyMerchantId: '' } });

  await books.db.pool.query(`INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ($1, 2, $2, 'adm_1')`, [
    who.merchantId,
    { ...BUILT_IN_POLICY.rules, ...LENIENT, minSuccesses: 1 },
  ]);
  expect(await reserved(who)).toMatchObject({ state: 'IN_REVIEW', risk: { policyVersion: 2, policyMerchantId: who.merchantId } });
  expect(await reserved(other)).toMatchObject({ state: 'QUEUED', risk: { policyVersion: 2, policyMerchantId: '' } });
  await books.policy({}); // the installation's third, which is not this merchant's
  expect((await reserved(who)).risk).toMatchObject({ policyVersion: 2, policyMerchantId: who.merchantId });
  expect((await reserved(other)).risk).toMatchObject({ policyVersion: 3, policyMerchantId: '' });
  expect((await books.ledger.read(before.id))?.risk).toMatchObject({ policyVersion: 1, policyMerchantId: '' });
});

test("a merchant's own payouts are asked nothing, and keep no verdict", async () => {
  const merchant = await books.merchant(1000n);
  const answer = await books.ledger.reserve(reserveRequest(merchant));
  expect(answer).toMatchObject({
    outcome: 'reserved',
    payout: {
      kind: 'merchant',
      owner: { kind: 'merchant', id: merchant.merchantId },
      risk: null,
      dispatch: 'now',
      maxAttempts: 3,
    },
  });
});
