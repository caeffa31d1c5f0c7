/** What was measured of games and streams, with the goals beside it. */
import type { GamesResult } from './games.ts';
import { goalsTable, ms, three } from './report.ts';

export function gamesReport({ completeMs, creditMs, betsPerSecond, creditsPerSecond, players, settledPerSecond, longestStepMs, streams }: GamesResult): string {
  const { count, eventsPerSecond, lag, lagOfOne } = streams;
  return `## Games and streams

${goalsTable([
  ['a game of three, from `complete` to the last event at a stream client, p50', '≤ 120 ms', `${ms(completeMs)} ms (a credit to its event: ${ms(creditMs)} ms, × ${(completeMs / creditMs).toFixed(1)})`, completeMs <= 120],
  ['bets into one game', '≥ 500/s', `${betsPerSecond.toFixed(0)}/s (credits of users: ${creditsPerSecond.toFixed(0)}/s, × ${(betsPerSecond / creditsPerSecond).toFixed(2)})`, betsPerSecond >= 500],
  ['longest step of a large game, so that nobody who follows events is held back', '≤ 250 ms', `${ms(longestStepMs)} ms`, longestStepMs <= 250],
  [`behind the event at ${count} streams, p99`, '≤ 250 ms', `${ms(lag.p99)} ms (at one stream: ${ms(lagOfOne.p99)} ms)`, lag.p99 <= 250],
])}

A game of ${players} players: ${settledPerSecond.toFixed(0)} users/s. To ${count} streams: ${eventsPerSecond.toFixed(0)} events/s, behind the event p50 / p95 / p99
${three(lag)} ms; to one: ${three(lagOfOne)} ms.

All over HTTP, with the API, the worker, Temporal, PostgreSQL and the clients on the same machine; the players of the large game
were entered, and bet, in the books. A longest step is the longest time between two commits of the settlement.`;
} // biome-ignore format: a table
