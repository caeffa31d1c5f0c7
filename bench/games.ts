/**
 * Games: from the word of who won to the last event at a client, bets into one game, a large game, and a thousand streams. Each
 * beside something smaller of the same kind in the same run, so that a slow machine is seen.
 */
import { installation } from '../harness/installation.ts';
import { median, now, type Spread, spread } from './clock.ts';
import { CURRENCY, type House, openHouse, perSecond } from './house.ts';
import { readStream, type StreamReader } from './streamReader.ts';

export interface GamesPlan {
  /** Games of three players, one after the other; and as many credits. */
  readonly games: number;
  /** Of bets, and of credits. */
  readonly seconds: number;
  /** In the large game. */
  readonly players: number;
  readonly streams: number;
  /** Events that each stream is told. */
  readonly events: number;
}

export interface GamesResult {
  /** ms, p50: from `complete` to the last of three events; from a credit to its event. */
  readonly completeMs: number;
  readonly creditMs: number;
  readonly betsPerSecond: number;
  readonly creditsPerSecond: number;
  readonly players: number;
  readonly settledPerSecond: number;
  /** The longest time between two commits of the settlement, in ms. */
  readonly longestStepMs: number;
  readonly streams: { readonly count: number; readonly eventsPerSecond: number; readonly lag: Spread; readonly lagOfOne: Spread };
}

const FUNDS = '5000000000.00';
/** Of the second merchant, so that nobody else is on it. */
const WARM_UP = 20;
/** Credits a second whose events go to all streams. */
const TELLS_PER_SECOND = 20;

export async function measureGames(plan: GamesPlan, say: (line: string) => void): Promise<GamesResult> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const house = openHouse(here);
  try {
    await house.post('/api/v1/test/balance/fund', { amount: FUNDS, currency: CURRENCY });
    await house.post('/api/v1/test/balance/fund', { amount: FUNDS, currency: CURRENCY });
    await house.post('/api/v1/games/bank/deposit', { amount: FUNDS, currency: CURRENCY });
    const { completeMs, creditMs } = await measureRounds(house, plan.games);
    say(`a game of three: ${completeMs.toFixed(0)} ms to the last event; a credit: ${creditMs.toFixed(0)} ms`);
    const rates = await measureBets(house, plan.seconds);
    say(`bets into one game: ${rates.betsPerSecond.toFixed(0)}/s; credits: ${rates.creditsPerSecond.toFixed(0)}/s`);
    const large = await measureLarge(house, plan.players);
    say(
      `a game of ${plan.players}: ${large.settledPerSecond.toFixed(0)} users/s, longest step ${large.longestStepMs.toFixed(0)} ms`,
    );
    const streams = await measureStreams(house, plan);
    say(`${plan.streams} streams: ${streams.eventsPerSecond.toFixed(0)} events/s, lag p99 ${streams.lag.p99.toFixed(0)} ms`);
    return { completeMs, creditMs, ...rates, players: plan.players, ...large, streams };
  } finally {
    await house.close();
    await here.remove();
  }
}

const credit = (house: House, user: string, nth: number | string) =>
  house.post(`/api/v1/users/${user}/credit`, { amount: '1.00', currency: CURRENCY, externalId: `bench-${user}-${nth}` });

const openGame = async (house: House): Promise<string> =>
  (await house.post('/api/v1/games', { type: 'andar_bahar', currency: CURRENCY })).id;

const bet = (house: House, game: string, userId: string, nth: number) =>
  house.post(`/api/v1/games/${game}/bets`, { userId, side: nth % 2 === 0 ? 'andar' : 'bahar', amount: '1.00' });

/** ms until a client has heard so many events of what was just asked for. */
async function untilHeard(
  wanted: { count: number; done: (at: number) => void },
  count: number,
  ask: () => Promise<unknown>,
): Promise<number> {
  const last = new Promise<number>((resolve) => {
    wanted.count = count;
    wanted.done = resolve;
  });
  const from = now();
  await ask();
  return (await last) - from;
}

async function measureRounds(house: House, games: number): Promise<Pick<GamesResult, 'completeMs' | 'creditMs'>> {
  const wanted = { count: 0, done: (_at: number): void => undefined };
  const stream = readStream(house.baseUrl, { key: house.key, types: 'game_complete,user.credited' }, (_data, at) => {
    wanted.count -= 1;
    if (wanted.count === 0) wanted.done(at);
  });
  const users = await house.users(3, '1000000');
  await stream.begun;
  const [completeMs, creditMs]: [number[], number[]] = [[], []];
  try {
    for (let nth = 0; nth < games + WARM_UP; nth += 1) {
      const game = await openGame(house);
      for (const [index, user] of users.entries()) await bet(house, game, user, index);
      const won = await untilHeard(wanted, 3, () => house.post(`/api/v1/games/${game}/complete`, { winner: 'andar' }));
      const credited = await untilHeard(wanted, 1, () => credit(house, users[0] ?? '', nth));
      if (nth < WARM_UP) continue; // until all have been compiled by V8
      completeMs.push(won);
      creditMs.push(credited);
    }
  } finally {
    stream.close();
  }
  return { completeMs: median(completeMs), creditMs: median(creditMs) };
}

async function measureBets(house: House, seconds: number): Promise<Pick<GamesResult, 'betsPerSecond' | 'creditsPerSecond'>> {
  const users = await house.users(200, '10000000');
  const userOf = (nth: number): string => users[nth % users.length] ?? '';
  const game = await openGame(house);
  await perSecond(1, (nth) => credit(house, userOf(nth), `warm-${nth}`));
  await perSecond(1, (nth) => bet(house, game, userOf(nth), nth));
  const creditsPerSecond = await perSecond(seconds, (nth) => credit(house, userOf(nth), `rate-${nth}`));
  return { betsPerSecond: await perSecond(seconds, (nth) => bet(house, game, userOf(nth), nth)), creditsPerSecond };
}

async function measureLarge(house: House, players: number): Promise<Pick<GamesResult, 'settledPerSecond' | 'longestStepMs'>> {
  const users = await house.users(players, '100');
  const game = await openGame(house);
  await house.rows(
    `SELECT place_bet(jsonb_build_object('betId', 'bet_' || replace(uuidv7()::text, '-', ''), 'gameId', $1::text, 'merchantId', $2::text, 'mode', 'test',
                                         'userId', id, 'side', CASE nth % 2 WHEN 0 THEN 'andar' ELSE 'bahar' END, 'amountMinor', '100'))
       FROM unnest($3::text[]) WITH ORDINALITY u (id, nth)`,
    game,
    house.merchantId,
    users,
  );
  await house.post(`/api/v1/games/${game}/complete`, { winner: 'andar' });
  for (;;) {
    const [row] = await house.rows<{ ms: number | null; step: number | null }>(
      `SELECT (extract(epoch FROM g.ended_at - g.completed_at) * 1000)::float AS ms,
              (SELECT max(extract(epoch FROM s.at - s.before) * 1000)::float FROM (
                 SELECT p.settled_at AS at, lag(p.settled_at) OVER (ORDER BY p.settled_at) AS before FROM game_players p WHERE p.game_id = g.id) s) AS step
         FROM games g WHERE g.id = $1 AND g.ended_at IS NOT NULL`,
      game,
    );
    if (row?.ms) return { settledPerSecond: (players / row.ms) * 1_000, longestStepMs: row.step ?? 0 };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function measureStreams(house: House, { streams, events }: GamesPlan): Promise<GamesResult['streams']> {
  const [user = ''] = await house.users(1, '100');
  const listen = async (count: number, name: string): Promise<{ lags: number[]; seconds: number }> => {
    const lags: number[] = [];
    let wanted = count * events;
    let allHeard: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      allHeard = resolve;
    });
    const readers: StreamReader[] = [];
    try {
      for (let nth = 0; nth < count; nth += 1) {
        const reader = readStream(house.baseUrl, { key: house.key, types: 'user.credited' }, (data, at) => {
          lags.push(at - Date.parse(/"timestamp":"([^"]+)"/.exec(data)?.[1] ?? ''));
          wanted -= 1;
          if (wanted === 0) allHeard();
        });
        readers.push(reader);
        await reader.begun;
      }
      const from = now();
      for (let nth = 0; nth < events; nth += 1) {
        const waitMs = from + (nth * 1_000) / TELLS_PER_SECOND - now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        await credit(house, user, `${name}-${nth}`);
      }
      await all;
      return { lags, seconds: (now() - from) / 1_000 };
    } finally {
      for (const reader of readers) reader.close();
    }
  };
  const one = await listen(1, 'one');
  const many = await listen(streams, 'many');
  return {
    count: streams,
    eventsPerSecond: (streams * events) / many.seconds,
    lag: spread(many.lags),
    lagOfOne: spread(one.lags),
  };
}
