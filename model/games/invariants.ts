/** What must hold of a game in every world, and what must hold of one at rest. */
import { GAME, STATES } from '../../src/games/rules/machine.ts';
import { highestLiability, type Share, sharesOf } from '../../src/games/rules/payouts.ts';
import { GAME_TYPES } from '../../src/games/rules/types.ts';
import type { GameBooks, Player, Said } from './books.ts';
import type { GameBounds } from './rules.ts';
import type { GameWorld } from './world.ts';

const { sides } = GAME_TYPES.andar_bahar;

/** Undefined: all is well. */
export function brokenAlways(world: GameWorld, bounds: GameBounds): string | undefined {
  const { books, witness } = world;
  const { bank, held, players } = books;
  const amounts = [
    bank.available,
    bank.reserved,
    held,
    ...players.flatMap(({ available, reserved, debt }) => [available, reserved, debt]),
  ];
  if (amounts.some((amount) => amount < 0n)) return 'money is paid from nothing';
  if (bank.reserved !== held) return `the bank has ${bank.reserved} reserved, and the game holds ${held}`;
  if (held !== heldBy(books)) return `the game holds ${held}, and may have to pay ${heldBy(books)}`;
  const { beginning } = bounds;
  const before = beginning.bank + beginning.players.reduce((sum, { available }) => sum + available, 0n);
  const given = witness.givenToBank + witness.given.reduce((sum, each) => sum + each, 0n);
  const now = bank.available + bank.reserved + players.reduce((sum, { available, reserved }) => sum + available + reserved, 0n);
  if (now !== before + given) return `there were ${before + given}, and there are ${now}`;
  const shares = witness.first ? sharesOf(books.bets, sides, witness.first.winner, saidOf(witness.first.said)) : undefined;
  return players
    .map((player, nth) => {
      const { available, debt = 0n } = beginning.players[nth] ?? { available: 0n };
      const brought = available - debt + (witness.given[nth] ?? 0n);
      return brokenPlayer(books, player, brought, shares?.get(player.id));
    })
    .find((problem) => problem !== undefined);
}

const saidOf = (said: Said) => (said ? new Map(Object.entries(said)) : undefined);

/** As the invariant games_hold_what_they_may_pay. */
function heldBy({ state, bets, players }: GameBooks): bigint {
  if (state === 'OPEN') return highestLiability(bets, sides);
  if (state !== 'SETTLING' && state !== 'PARTLY_SETTLED') return 0n;
  return players
    .filter((player) => player.state === 'playing' && player.payout > player.stakeWon)
    .reduce((sum, { payout, stakeWon }) => sum + payout - stakeWon, 0n);
}

/** Who is settled has what the first report comes to for the player, once; everybody else has what they brought. */
function brokenPlayer(
  { isVoid, bets }: GameBooks,
  player: Player,
  brought: bigint,
  share: Share | undefined,
): string | undefined {
  const { id, available, reserved, debt, stake, state, told } = player;
  const staked = bets.filter(({ userId }) => userId === id).reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  if (stake !== staked) return `${id} has bet ${staked}, and ${stake} is written down`;
  if (reserved !== (state === 'playing' ? stake : 0n)) return `${id} is ${state}, and has ${reserved} reserved`;
  if (told > (isVoid ? 2 : 1)) return `${id} was told ${told} times`;
  if (state === 'settled' && !share) return `${id} is settled, and nobody said who won`;
  const gain = state === 'settled' && share ? share.payoutMinor - share.stakeMinor : 0n;
  const has = available + reserved - debt;
  return has === brought + gain ? undefined : `${id} is ${state} and has ${has}, not ${brought + gain}`;
}

/** Nothing is due any more: what the books say now, they say until somebody does something. */
export function brokenAtRest({ books }: GameWorld): string | undefined {
  const { state, needsOperator, players, isVoid } = books;
  if (state === 'OPEN') return undefined;
  if (!GAME.isFinal(state)) return `the game stays ${state}, and nobody does anything about it`;
  if (STATES[state].stuck && !needsOperator) return `the game is ${state}, and nobody is told`;
  const wanted = isVoid ? 'voided' : 'settled';
  const left = players.find((player) => player.state !== 'out' && player.state !== wanted);
  if (left && !STATES[state].stuck) return `the game is ${state}, and ${left.id} is ${left.state}`;
  if (left && left.failure === null) return `${left.id} is ${left.state}, and nobody knows why`;
  return undefined;
}
