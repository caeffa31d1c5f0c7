/**
 * `npm run bench [-- --quick] [-- --only payouts,relay,ledger,door,waiters,games,markets,instant,books] [-- --entries 10000000]`. Writes what it measured
 * into bench/RESULTS.md; a run replaces only the parts it measured. `books` is run only when it is asked for: it fills a
 * database first, which `--keep FOLDER` leaves there for other runs.
 */
import { parseArgs } from 'node:util';
import { measureBooks } from './books.ts';
import { measureDoor } from './door.ts';
import { measureGames } from './games.ts';
import { gamesReport } from './gamesReport.ts';
import { measureInstant } from './instant.ts';
import { instantReport } from './instantReport.ts';
import { measureLedger } from './ledger.ts';
import { measureMarkets } from './markets.ts';
import { marketsReport } from './marketsReport.ts';
import { measureNeighbours } from './neighbours.ts';
import { measurePayouts, type Plan } from './payouts.ts';
import { measureBacklog, measureLag } from './relay.ts';
import { relayReport } from './relayReport.ts';
import { booksReport, doorReport, ledgerReport, payoutsReport, waitersReport, writePart } from './report.ts';
import { measureWaiters } from './waiters.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'payouts,relay,ledger,door,waiters,games,markets,instant' },
    entries: { type: 'string', default: '10000000' },
    keep: { type: 'string' },
  },
});
const { quick } = values;
const plan: Plan = quick
  ? { rounds: 1, seconds: 5, rates: [5, 20, 35], payouts: 0 }
  : { rounds: 3, seconds: 10, rates: [5, 20, 35], payouts: 5_000 };
// Seconds of the lag: until four sends in a row have hung for their 15 s, and the receivers are found failing.
const relayPlan = quick
  ? { neighbours: { payouts: 20, seconds: 3, warmUpSeconds: 2 }, backlog: 2_000, lagSeconds: 10 }
  : { neighbours: { payouts: 200, seconds: 30, warmUpSeconds: 15 }, backlog: 50_000, lagSeconds: 90 };
const gamesPlan = quick
  ? { games: 20, seconds: 5, players: 2_000, streams: 200, events: 60 }
  : { games: 200, seconds: 15, players: 10_000, streams: 1_000, events: 400 };
const marketsPlan = quick
  ? { commitments: 20_000, users: 5_000, seconds: 5, looped: 500 }
  : { commitments: 1_000_000, users: 250_000, seconds: 20, looped: 5_000 };
const instantPlan = quick ? { open: 1_000, seconds: 3 } : { open: 10_000, seconds: 15 };
const say = (line: string) => console.log(`· ${line}`);

const parts: Readonly<Record<string, () => Promise<string>>> = {
  payouts: async () => payoutsReport(await measurePayouts(plan, say), plan),
  relay: async () => {
    const backlog = await measureBacklog(relayPlan.backlog, say);
    const lag = await measureLag(relayPlan.lagSeconds, say);
    return relayReport({ backlog, lag, neighbours: await measureNeighbours(relayPlan.neighbours, say) }, relayPlan.neighbours);
  },
  ledger: async () => ledgerReport(await measureLedger(quick ? 3 : 5, say)),
  door: async () => doorReport(await measureDoor(quick ? 3 : 10, say)),
  waiters: async () => waitersReport(await measureWaiters(quick ? 5 : 10, say)),
  games: async () => gamesReport(await measureGames(gamesPlan, say)),
  markets: async () => marketsReport(await measureMarkets(marketsPlan, say)),
  instant: async () => instantReport(await measureInstant(instantPlan, say)),
  books: async () => booksReport(await measureBooks({ entries: Number.parseInt(values.entries, 10), keep: values.keep }, say)),
};
for (const name of values.only.split(',')) {
  const part = parts[name];
  if (!part) throw new Error(`There is no part "${name}"; there are ${Object.keys(parts).join(', ')}.`);
  const load = writePart.conditions();
  writePart(name, `npm run bench -- --only ${name}${quick ? ' --quick' : ''}`, load, await part());
}
say('written into bench/RESULTS.md');
process.exit(); // idle connections keep nothing
