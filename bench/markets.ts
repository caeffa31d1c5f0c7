/**
 * A market: an import of its commitments, their resolution, and single stakes. The resolution stands beside a bare `INSERT … SELECT`
 * of the rows that it wrote, and beside a loop that pays one winner after the other, in the same run and the same database.
 */
import { type Installation, installation } from '../harness/installation.ts';
import { now, type Spread, spread } from './clock.ts';
import { CURRENCY, type House, openHouse, perSecond } from './house.ts';
import { openLoop } from './loads.ts';
import { residentMb } from './processes.ts';
import { oncepay } from './subjects.ts';

export interface MarketsPlan {
  /** Winning commitments, and of how many users. */
  readonly commitments: number;
  readonly users: number;
  /** Of stakes, of credits, and of the other merchant's payouts, quiet and beside. */
  readonly seconds: number;
  /** Winners of the loop: what it costs for each does not depend on how many there are. */
  readonly looped: number;
}

export interface Memory {
  /** MB resident: before, and the most meanwhile. */
  readonly before: number;
  readonly most: number;
}

export interface MarketsResult {
  readonly plan: MarketsPlan;
  readonly stakesPerSecond: number;
  readonly creditsPerSecond: number;
  readonly importedPerSecond: number;
  readonly importing: Memory;
  /** From `resolve` to the end. */
  readonly resolvedSeconds: number;
  /** Rows that it wrote: distributions, entries, events. */
  readonly rows: number;
  readonly bareSeconds: number;
  readonly loopedPerSecond: number;
  /** The longest time between two commits of the paying, in ms. */
  readonly longestStepMs: number;
  readonly resolving: Memory;
  /** ms until another merchant's payout is paid. */
  readonly quiet: Spread;
  readonly beside: Spread;
}

const FUNDS = '5000000000.00';
/** Two a second: they do not meet each other. */
const PAYOUTS_PER_SECOND = 2;

export async function measureMarkets(plan: MarketsPlan, say: (line: string) => void): Promise<MarketsResult> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const house = openHouse(here);
  try {
    for (let nth = 0; nth < 4; nth += 1) await house.post('/api/v1/test/balance/fund', { amount: FUNDS, currency: CURRENCY });
    const rates = await measureStakes(house, plan.seconds);
    say(`stakes on one market: ${rates.stakesPerSecond.toFixed(0)}/s; credits: ${rates.creditsPerSecond.toFixed(0)}/s`);
    const market = await openMarket(house);
    const users = await house.users(plan.users, '1000');
    const [loser = ''] = await house.users(1, '100000');
    await house.post(`/api/v1/markets/${market}/commitments`, { userId: loser, amount: '1000.00', optionId: 'no' });
    const imported = await measureImport(here, house, { market, users, commitments: plan.commitments });
    say(`an import: ${imported.importedPerSecond.toFixed(0)} lines/s`);
    const quiet = await otherPayouts(here, plan.seconds);
    const resolved = await measureResolution(here, house, market, plan);
    say(
      `${plan.users} users resolved in ${resolved.resolvedSeconds.toFixed(1)} s, longest step ${resolved.longestStepMs.toFixed(0)} ms`,
    );
    const bareSeconds = await insertBare(house, market);
    const loopedPerSecond = await payInALoop(house, users.slice(0, plan.looped));
    say(`the same rows bare: ${bareSeconds.toFixed(2)} s; one winner after the other: ${loopedPerSecond.toFixed(0)}/s`);
    return { plan, ...rates, ...imported, quiet, ...resolved, bareSeconds, loopedPerSecond };
  } finally {
    await house.close();
    await here.remove();
  }
}

const TERMS = { houseFeeBps: 250, creatorFeeBps: 0, feeBase: 'losing_pool', disputeWindowSeconds: 0 } as const;

const openMarket = async (house: House): Promise<string> =>
  (await house.post('/api/v1/markets', { title: 'bench', type: 'binary', currency: CURRENCY, ...TERMS })).id;

async function measureStakes(
  house: House,
  seconds: number,
): Promise<Pick<MarketsResult, 'stakesPerSecond' | 'creditsPerSecond'>> {
  const users = await house.users(200, '100000000');
  const userOf = (nth: number): string => users[nth % users.length] ?? '';
  const market = await openMarket(house);
  const stake = (nth: number) =>
    house.post(`/api/v1/markets/${market}/commitments`, {
      userId: userOf(nth),
      amount: '1.00',
      position: nth % 2 === 0 ? 'yes' : 'no',
    });
  const credit = (nth: number | string, user: string) =>
    house.post(`/api/v1/users/${user}/credit`, { amount: '1.00', currency: CURRENCY, externalId: `markets-${nth}` });
  await perSecond(1, (nth) => credit(`warm-${nth}`, userOf(nth)));
  await perSecond(1, stake);
  const creditsPerSecond = await perSecond(seconds, (nth) => credit(nth, userOf(nth)));
  return { stakesPerSecond: await perSecond(seconds, stake), creditsPerSecond };
}

/** While it is done, what a process needs at most. */
async function watching<T>(here: Installation, name: 'api' | 'worker', work: () => Promise<T>): Promise<[T, Memory]> {
  const before = residentMb(here.home)[name];
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMb(here.home)[name]);
  }, 500);
  try {
    return [await work(), { before, most }];
  } finally {
    clearInterval(timer);
  }
}

interface Importing {
  readonly market: string;
  readonly users: readonly string[];
  readonly commitments: number;
}

async function measureImport(
  here: Installation,
  house: House,
  { market, users, commitments }: Importing,
): Promise<Pick<MarketsResult, 'importedPerSecond' | 'importing'>> {
  const { id } = await house.post(`/api/v1/markets/${market}/imports`, {});
  const headers = { 'x-api-key': house.key, 'content-type': 'application/x-ndjson' };
  /** Broken off, it is sent again as a whole: what was taken is not taken twice. */
  const send = async (): Promise<void> => {
    for (let left = 10; ; left -= 1) {
      const body = linesOf({ market, users, commitments });
      const asked = { method: 'PUT', headers, body, duplex: 'half' } as RequestInit;
      const answer = await fetch(`${house.baseUrl}/api/v1/imports/${id}/lines`, asked);
      const text = await answer.text();
      if (answer.status < 300) return;
      if (answer.status !== 503 || left === 0) throw new Error(`the import was refused: ${answer.status} ${text}`);
    }
  };
  const from = now();
  const [, importing] = await watching(here, 'api', send);
  const seconds = (now() - from) / 1_000;
  const [row] = await house.rows<{ count: number }>(
    'SELECT count(*)::int AS count FROM commitments WHERE market_id = $1',
    market,
  );
  if (row?.count !== commitments + 1) throw new Error(`${row?.count} of ${commitments} were imported`);
  return { importedPerSecond: commitments / seconds, importing };
}

function linesOf({ users, commitments }: Importing): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let nth = 0;
  return new ReadableStream({
    pull(stream) {
      let text = '';
      for (let left = 1_000; left > 0 && nth < commitments; left -= 1, nth += 1)
        text += `{"key":"k${nth}","userId":"${users[nth % users.length]}","amount":"1.${10 + (nth % 90)}","optionId":"yes"}\n`;
      if (text !== '') stream.enqueue(encoder.encode(text));
      if (nth >= commitments) stream.close();
    },
  });
}

async function otherPayouts({ credentials }: Installation, seconds: number): Promise<Spread> {
  const subject = oncepay(credentials, 'oncepay');
  try {
    return spread((await openLoop(subject, PAYOUTS_PER_SECOND, seconds)).paidMs);
  } finally {
    await subject.close();
  }
}

type Resolved = Pick<MarketsResult, 'resolvedSeconds' | 'rows' | 'longestStepMs' | 'resolving' | 'beside'>;

async function measureResolution(
  here: Installation,
  house: House,
  market: string,
  { users, seconds }: MarketsPlan,
): Promise<Resolved> {
  const admin = here.credentials.admins.find(({ role }) => role === 'admin')?.key ?? '';
  const resolve = async (): Promise<number> => {
    const from = now();
    const asked = { key: admin, body: { outcome: 'yes' } };
    const { status, text } = await here.call('POST', `/api/admin/markets/${market}/resolve`, asked);
    if (status !== 202) throw new Error(`it was not resolved: ${status} ${text}`);
    for (;;) {
      const [row] = await house.rows<{ state: string }>('SELECT state FROM resolutions WHERE market_id = $1', market);
      if (row?.state === 'COMPLETED') return (now() - from) / 1_000;
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const [[resolvedSeconds, beside], resolving] = await watching(here, 'worker', () =>
    Promise.all([resolve(), otherPayouts(here, seconds)]),
  );
  const [row] = await house.rows<{ rows: number; paid: number; step: number | null }>(WROTE, market);
  if (row?.paid !== users) throw new Error(`${row?.paid} of ${users} were paid`);
  return { resolvedSeconds, beside, resolving, rows: row.rows, longestStepMs: row.step ?? 0 };
}

const WROTE = `
  SELECT (SELECT count(*)::int FROM distributions WHERE market_id = $1) + (SELECT count(*)::int FROM ledger_entries WHERE subject_id = r.id)
           + (SELECT count(*)::int FROM events WHERE type = 'distribution.completed' AND op_key LIKE 'market/' || $1 || '/%') AS rows,
         (SELECT count(*)::int FROM distributions WHERE market_id = $1 AND payout > 0) AS paid,
         (SELECT max(extract(epoch FROM s.at - s.before) * 1000)::float FROM (
            SELECT t.at, lag(t.at) OVER (ORDER BY t.at) AS before FROM (SELECT DISTINCT processed_at AS at FROM distributions WHERE market_id = $1) t) s) AS step
    FROM resolutions r WHERE r.market_id = $1`;

/** The rows that a resolution wrote, again, into empty tables with the same indexes. @returns seconds */
async function insertBare(house: House, market: string): Promise<number> {
  const WRITTEN = {
    distributions: 'market_id = $1',
    ledger_entries: 'subject_id = (SELECT id FROM resolutions WHERE market_id = $1)',
    events: `type = 'distribution.completed' AND op_key LIKE 'market/' || $1 || '/%'`,
  } as const;
  let seconds = 0;
  for (const [table, where] of Object.entries(WRITTEN)) {
    await house.rows(`CREATE TABLE bare_${table} (LIKE ${table} INCLUDING INDEXES INCLUDING DEFAULTS)`);
    const from = now();
    await house.rows(`INSERT INTO bare_${table} SELECT * FROM ${table} WHERE ${where}`, market);
    seconds += (now() - from) / 1_000;
    await house.rows(`DROP TABLE bare_${table}`);
  }
  return seconds;
}

/** As one would write it: for each winner a transaction with the balance, the entry and the commitment. Into tables of its own. */
async function payInALoop(house: House, users: readonly string[]): Promise<number> {
  await house.rows(`CREATE TABLE looped_balances AS SELECT id, owner_id, available FROM balances WHERE owner_kind = 'user'`);
  await house.rows('CREATE UNIQUE INDEX ON looped_balances (owner_id)');
  await house.rows(
    'CREATE TABLE looped_entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id text, amount bigint, after bigint)',
  );
  await house.rows('CREATE TABLE looped_commitments AS SELECT id, user_id, false AS won FROM commitments');
  await house.rows('CREATE INDEX ON looped_commitments (user_id)');
  const from = now();
  await house.inTransactions(users, async (query, user) => {
    await query('UPDATE looped_balances SET available = available + 100 WHERE owner_id = $1', user);
    await query(
      'INSERT INTO looped_entries (owner_id, amount, after) SELECT owner_id, 100, available FROM looped_balances WHERE owner_id = $1',
      user,
    );
    await query('UPDATE looped_commitments SET won = true WHERE user_id = $1', user);
  });
  return (users.length / (now() - from)) * 1_000;
}
