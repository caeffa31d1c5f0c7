/** Guards: money that is taken in within one transaction counts once for each name it is brought under, and every "no" is an answer. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { postEarning } from '../../src/providers/useCases/postEarning.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, type Provider } from '../support/books.ts';

let books: Books;

beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.expectInOrder();
  await books.stop();
});

async function merchant(): Promise<string> {
  const id = newId('mer');
  await books.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Test', 'unused')`, [id]);
  return id;
}

const arriving = (merchantId: string, amountMinor = '1000', externalId = 'bank-1') =>
  fund(books.db, { merchantId, mode: 'test', currency: 'PKR', amountMinor, externalId });

test('money that is brought twenty times at once arrives once, and each is shown the one entry', async () => {
  const merchantId = await merchant();
  const answers = await Promise.all(Array.from({ length: 20 }, () => arriving(merchantId)));
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual([...Array.from({ length: 19 }, () => 'already'), 'funded']);
  const fundings = new Set(answers.map((answer) => JSON.stringify('funding' in answer && answer.funding)));
  expect(fundings.size).toBe(1);
  expect(await books.money({ merchantId, mode: 'test' })).toEqual({ available: 1_000n, reserved: 0n });
});

test('its entry is shown as it was, whatever has happened to the balance since', async () => {
  const merchantId = await merchant();
  await arriving(merchantId);
  await arriving(merchantId, '500', 'bank-2');
  expect(await arriving(merchantId)).toMatchObject({ outcome: 'already', funding: { amount: '1000', available: '1000' } });
});

test('other money under a known name, money for nobody, and more than a balance may hold are refused, and nothing is booked', async () => {
  const merchantId = await merchant();
  await arriving(merchantId);
  expect(await arriving(merchantId, '2000')).toEqual({ outcome: 'mismatch' });
  expect(await arriving(newId('mer'))).toEqual({ outcome: 'unknown_merchant' });
  expect(await arriving(merchantId, String(10n ** 18n), 'bank-2')).toEqual({ outcome: 'balance_limit' });
  expect(await books.money({ merchantId, mode: 'test' })).toEqual({ available: 1_000n, reserved: 0n });
});

const giving = ({ merchantId, mode, providerId }: Provider, change: { amountMinor?: string; externalId?: string } = {}) =>
  postEarning(books.db, {
    ...{ earningId: newId('ern'), merchantId, mode, providerId, currency: 'PKR', description: null },
    ...{ amountMinor: '400', externalId: 'gig-1', ...change },
  });

test('an earning is given once, a repeat shows what has become of it', async () => {
  const provider = await books.provider(await books.merchant(1_000n));
  const first = await giving(provider);
  if (first.outcome !== 'posted') throw new Error(first.outcome);
  await books.policy({ minSuccesses: 0 });
  await books.payout(provider, { amount: 100n, dispatch: 'run' });
  const again = await giving(provider);
  expect(again).toMatchObject({
    outcome: 'already',
    earning: { id: first.earning.id, amount: '400', available: '300', reserved: '100' },
  });
  expect(await books.money({ merchantId: provider.merchantId, mode: 'test' })).toEqual({ available: 600n, reserved: 0n });
});

test('an earning for somebody else’s provider is an answer, not a failure, and so is one that is not covered', async () => {
  const mine = await books.provider(await books.merchant(1_000n));
  const theirs = await books.provider(await books.merchant(1_000n));
  expect(await giving({ ...mine, providerId: theirs.providerId })).toEqual({ outcome: 'unknown_provider' });
  expect(await giving({ ...mine, providerId: newId('prv') })).toEqual({ outcome: 'unknown_provider' });
  expect(await giving(mine, { amountMinor: '1001' })).toEqual({ outcome: 'insufficient_balance' });
  await giving(mine);
  expect(await giving(mine, { amountMinor: '401' })).toEqual({ outcome: 'mismatch' });
  expect(await books.money({ merchantId: mine.merchantId, mode: 'test' })).toEqual({ available: 600n, reserved: 0n });
});
