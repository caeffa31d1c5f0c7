/** Who decides what came true: one resolution at a time, by more than one person, and not while somebody may still say no. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decideResolution, endWindow, openResolution, type ResolveAnswer } from '../../src/ledger/distributions.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type MarketBooks, marketBooksOf, type TestMarket } from '../support/marketBooks.ts';

let books: Books;
let markets: MarketBooks;
beforeAll(async () => {
  books = await openBooks({ connections: 30 });
  markets = marketBooksOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;
const tally = (outcomes: readonly string[]) => Object.fromEntries([...new Set(outcomes)].sort().map((each) => [each, outcomes.filter((other) => other === each).length])); // biome-ignore format: one glance
const planHashOf = async ({ marketId }: TestMarket, outcome: string): Promise<string> =>
  (await of('SELECT market_plan($1, $2) AS plan', marketId, outcome))[0].plan.planHash;
/** The window is over now, without waiting for it. */
const windowOver = (resolutionId: string) =>
  of(`UPDATE resolutions SET window_until = now() - interval '1 second' WHERE id = $1`, resolutionId);

async function twoSided(windowMs = 60_000) {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { windowMs });
  const [yes, no] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  await markets.commit(market, yes, 'yes', 60n);
  await markets.commit(market, no, 'no', 40n);
  return { merchant, market, yes, no };
}

test('of 20 who resolve at once one does; the market is frozen from then on, and the same request finds its own resolution', async () => {
  const { market, yes } = await twoSided();
  const ids = Array.from({ length: 20 }, () => newId('res'));
  const answers = await Promise.all(ids.map((id, n) => markets.resolve(market, n % 2 === 0 ? 'yes' : 'no', id)));
  expect(tally(answers.map(({ outcome }) => outcome))).toEqual({ opened: 1, wrong_state: 19 });
  const at = answers.findIndex(({ outcome }) => outcome === 'opened');
  const again = await markets.resolve(market, 'yes', ids[at]);
  expect(again).toMatchObject({
    outcome: 'already',
    resolution: { id: ids[at], run: 1, state: 'DISPUTE_WINDOW', resolvedBy: 'adm_maker' },
  });
  expect(await markets.commit(market, yes, 'yes', 1n)).toBe('market_closed');
});

test('stakes at the instant of the freeze are in the pool and in what is planned, or refused: none is lost', async () => {
  const { merchant, market } = await twoSided(0);
  const users = await times(26, () => markets.player(merchant, 10n));
  const staking = users.map((user) => markets.commit(market, user, 'yes', 10n));
  const [resolutionId, ...outcomes] = await Promise.all([markets.resolved(market, 'yes'), ...staking]);
  expect(await markets.plan(resolutionId)).toBe('planned');
  expect(await markets.walk(resolutionId, 7)).toBe('completed');
  for (const [at, user] of users.entries()) {
    const purse = await markets.purse(user);
    if (outcomes[at] === 'committed')
      expect(purse > 10n).toBe(true); // the stake, and a part of what was lost
    else expect([outcomes[at], purse]).toEqual(['market_closed', 10n]);
  }
});

test('a market takes no stakes after its time, by the clock of the books', async () => {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { closesAt: new Date(Date.now() + 60_000) });
  const user = await markets.player(merchant, 10n);
  expect(await markets.commit(market, user, 'yes', 1n)).toBe('committed');
  await of(`UPDATE markets SET closes_at = now() WHERE id = $1`, market.marketId);
  expect(await markets.commit(market, user, 'yes', 1n)).toBe('market_closed');
});

test('a plan that is no longer what the admin saw opens nothing, whether a stake or the outcome made it another', async () => {
  const { market, yes } = await twoSided();
  const request = { marketId: market.marketId, evidence: null, adminId: 'adm_maker' };
  const seen = await planHashOf(market, 'yes');
  const open = (outcome: string, planHash: string): Promise<ResolveAnswer> =>
    openResolution(books.db.pool, { ...request, resolutionId: newId('res'), outcome, planHash });
  expect(await open('no', seen)).toEqual({ outcome: 'plan_changed', planHash: await planHashOf(market, 'no') });
  await expect(open('maybe', seen)).rejects.toThrow('no option');
  await markets.commit(market, yes, 'no', 1n);
  expect(await open('yes', seen)).toEqual({ outcome: 'plan_changed', planHash: await planHashOf(market, 'yes') });
  expect((await markets.market(market)).state).toBe('OPEN');
  expect(await open('yes', await planHashOf(market, 'yes'))).toMatchObject({ outcome: 'opened' });
});

test('a pool that reaches the review limit waits for another admin: not the resolver, one decision, then the window opens', async () => {
  const merchant = await books.merchant(0n);
  await of(
    `INSERT INTO merchants (id, name, review_limits, webhook_secret) VALUES ($1, 'm', '{"INR": "100"}', 's')`,
    merchant.merchantId,
  );
  const user = await markets.player(merchant, 400n);
  const [small, large, other] = [await markets.open(merchant), await markets.open(merchant), await markets.open(merchant)];
  await markets.commit(small, user, 'yes', 99n);
  await markets.commit(large, user, 'yes', 100n);
  await markets.commit(other, user, 'yes', 100n);
  expect(await markets.state(await markets.resolved(small, 'yes'))).toBe('DISPUTE_WINDOW');
  const resolutionId = await markets.resolved(large, 'yes');
  expect([await markets.state(resolutionId), (await endWindow(books.db.pool, resolutionId)).outcome]).toEqual([
    'IN_REVIEW',
    'stopped',
  ]);
  expect(await markets.dispute(large, user)).toBe('wrong_state');
  expect(await markets.decide(resolutionId, { kind: 'approve', note: null }, 'adm_maker')).toBe('self_approval');
  expect(await markets.decide(resolutionId, { kind: 'uphold' })).toBe('wrong_state');
  const decisions = await times(10, (n) => markets.decide(resolutionId, { kind: 'approve', note: null }, `adm_${n}`));
  expect(tally(decisions)).toEqual({ already_decided: 9, done: 1 });
  expect(await markets.plan(resolutionId)).toBe('planned');
  const refused = await markets.resolved(other, 'yes');
  expect(await markets.decide(refused, { kind: 'reject', reason: 'not yet' }, 'adm_checker', 'k')).toBe('done');
  expect(await markets.decide(refused, { kind: 'reject', reason: 'not yet' }, 'adm_checker', 'k')).toBe('already');
  expect(await markets.market(other)).toMatchObject({ state: 'UNRESOLVED', run: 1 });
  expect(await markets.resolve(other, 'no')).toMatchObject({ outcome: 'opened', resolution: { run: 2 } });
});

test('a participant’s no stops the payment until another admin decides; strangers, the second time and after the window it is too late', async () => {
  const { merchant, market, yes, no } = await twoSided();
  const resolutionId = await markets.resolved(market, 'yes');
  expect((await endWindow(books.db.pool, resolutionId)).outcome).toBe('early');
  expect(await markets.dispute(market, await markets.player(merchant, 1n))).toBe('not_participant');
  expect([await markets.dispute(market, no, 'x'), await markets.dispute(market, no, 'x'), await markets.dispute(market, no, 'y')]).toEqual(['disputed', 'already', 'already_disputed']); // biome-ignore format: as it reads
  expect(await markets.dispute(market, yes)).toBe('disputed'); // while it is being decided, others may
  await windowOver(resolutionId);
  expect((await endWindow(books.db.pool, resolutionId)).outcome).toBe('stopped');
  expect(await markets.decide(resolutionId, { kind: 'uphold' }, 'adm_maker')).toBe('self_approval');
  expect(await markets.decide(resolutionId, { kind: 'uphold' })).toBe('done');
  expect(await markets.plan(resolutionId)).toBe('planned');
  expect(await markets.walk(resolutionId)).toBe('completed');
  expect(await markets.dispute(market, yes, 'once more')).toBe('already_disputed');
});

test('an overturned outcome begins again: another window, another plan, and who overturned may not decide the next', async () => {
  const { market, yes, no } = await twoSided();
  const resolutionId = await markets.resolved(market, 'yes');
  await markets.dispute(market, no);
  expect(await markets.decide(resolutionId, { kind: 'overturn', to: 'no' }, 'adm_maker')).toBe('self_approval');
  await expect(markets.decide(resolutionId, { kind: 'overturn', to: 'maybe' })).rejects.toThrow('no option');
  expect(await markets.decide(resolutionId, { kind: 'overturn', to: 'no' })).toBe('done');
  const [row] = await of(
    'SELECT state, outcome, round, resolved_by, plan_hash, window_until > now() AS open FROM resolutions WHERE id = $1',
    resolutionId,
  );
  expect(row).toEqual({
    state: 'DISPUTE_WINDOW',
    outcome: 'no',
    round: 2,
    resolved_by: 'adm_checker',
    plan_hash: await planHashOf(market, 'no'),
    open: true,
  });
  expect([await markets.dispute(market, no), await markets.dispute(market, yes)]).toEqual(['already_disputed', 'disputed']);
  expect(await markets.decide(resolutionId, { kind: 'uphold' }, 'adm_checker')).toBe('self_approval');
  expect(await markets.decide(resolutionId, { kind: 'uphold' }, 'adm_maker')).toBe('done');
  await markets.plan(resolutionId);
  expect(await markets.walk(resolutionId)).toBe('completed');
  expect([await markets.purse(yes), await markets.purse(no)]).toEqual([40n, 160n]);
});

test('a pool that reaches the review limit is never paid on one admin’s word: an overturned outcome is reviewed, too', async () => {
  const { merchant, market, yes, no } = await twoSided(0);
  await of(
    `INSERT INTO merchants (id, name, review_limits, webhook_secret) VALUES ($1, 'm', '{"INR": "100"}', 's')`,
    merchant.merchantId,
  );
  const approve = (adminId: string, key?: string, via: 'api' | 'signal' = 'api') =>
    decideResolution(books.db.pool, {
      resolutionId,
      adminId,
      key: key ?? newId('dec'),
      via,
      decision: { kind: 'approve', note: null },
    });
  const resolutionId = await markets.resolved(market, 'yes');
  expect(await approve('adm_1', 'signal:adm_1:approve', 'signal')).toEqual({ outcome: 'done' });
  await of(`UPDATE resolutions SET window_until = now() + interval '1 minute' WHERE id = $1`, resolutionId);
  expect(await markets.dispute(market, no)).toBe('disputed');
  expect(await markets.decide(resolutionId, { kind: 'overturn', to: 'no' }, 'adm_2')).toBe('done');
  expect([await markets.state(resolutionId), await markets.plan(resolutionId)]).toEqual(['IN_REVIEW', 'stopped']);
  expect(await approve('adm_2')).toEqual({ outcome: 'self_approval' });
  expect(await markets.dispute(market, yes)).toBe('wrong_state'); // nobody is about to be paid
  expect(await approve('adm_1', 'signal:adm_1:approve', 'signal')).toEqual({ outcome: 'done' }); // the same words, of another outcome
  expect(await markets.plan(resolutionId)).toBe('planned');
  expect(await markets.walk(resolutionId)).toBe('completed');
  expect([await markets.purse(yes), await markets.purse(no)]).toEqual([40n, 160n]);
});

test('a no at the instant of the window’s end is heard or too late, and the payment goes on or waits accordingly', async () => {
  const seen = new Set<string>();
  for (let round = 0; round < 6; round += 1) {
    const { market, no } = await twoSided(0);
    const resolutionId = await markets.resolved(market, 'yes');
    await of(
      `UPDATE resolutions SET window_until = clock_timestamp() + interval '${round * 3} milliseconds' WHERE id = $1`,
      resolutionId,
    );
    const [said, ended] = await Promise.all([markets.dispute(market, no), endWindow(books.db.pool, resolutionId)]);
    const state = await markets.state(resolutionId);
    seen.add(said);
    if (said === 'disputed') expect(state).toBe('DISPUTED');
    else expect([said, state]).toEqual(['wrong_state', ended.outcome === 'done' ? 'PLANNING' : 'DISPUTE_WINDOW']);
  }
  expect([...seen].every((each) => each === 'disputed' || each === 'wrong_state')).toBe(true);
});
