/**
 * The books of one game as the SQL functions in prisma/functions/games keep them, as pure functions: a bank, players with what they
 * have, and what was said. Edges and shares are the product's own rules. Random walks tell the real functions the same
 * (tests/integration/model-games-sql.test.ts).
 */
import { GAME, type GameFact, type GameState, STATES } from '../../src/games/rules/machine.ts';
import { highestLiability, type Staked, sharesOf } from '../../src/games/rules/payouts.ts';
import { GAME_TYPES } from '../../src/games/rules/types.ts';

const { sides } = GAME_TYPES.andar_bahar;

export interface Player {
  readonly id: string;
  readonly frozen: boolean;
  readonly available: bigint;
  readonly reserved: bigint;
  /** To the bank. */
  readonly debt: bigint;
  readonly state: 'out' | 'playing' | 'settled' | 'voided';
  readonly failure: string | null;
  readonly stake: bigint;
  readonly stakeWon: bigint;
  readonly payout: bigint;
  /** How often the player was told what the game came to. */
  readonly told: number;
}

export interface GameBooks {
  readonly state: GameState;
  readonly winner: string | null;
  readonly isVoid: boolean;
  readonly needsOperator: boolean;
  readonly held: bigint;
  readonly bank: { readonly available: bigint; readonly reserved: bigint };
  readonly bets: readonly Staked[];
  readonly players: readonly Player[];
  /** Reports that were refused, each once. */
  readonly refused: readonly string[];
}

export interface Told {
  readonly outcome: string;
  readonly books: GameBooks;
  /** Who owes, and must be settled alone. */
  readonly apart?: readonly string[];
}

export interface Beginning {
  readonly bank: bigint;
  readonly players: readonly { readonly available: bigint; readonly debt?: bigint }[];
}

export const idOf = (nth: number): string => `player ${nth + 1}`;

export const newGame = ({ bank, players }: Beginning): GameBooks => ({
  state: 'OPEN',
  winner: null,
  isVoid: false,
  needsOperator: false,
  held: 0n,
  bank: { available: bank, reserved: 0n },
  bets: [],
  players: players.map(({ available, debt = 0n }, nth) => ({
    id: idOf(nth),
    frozen: false,
    available,
    reserved: 0n,
    debt,
    state: 'out',
    failure: null,
    stake: 0n,
    stakeWon: 0n,
    payout: 0n,
    told: 0,
  })),
  refused: [],
});

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const refuse = (outcome: string, books: GameBooks): Told => ({ outcome, books });

export function playerOf({ players }: GameBooks, id: string): Player {
  const found = players.find((each) => each.id === id);
  if (!found) throw new Error(`nobody is ${id}`);
  return found;
}

export const setPlayer = (books: GameBooks, id: string, change: Partial<Player>): GameBooks => ({
  ...books,
  players: books.players.map((each) => (each.id === id ? { ...each, ...change } : each)),
});

const moveBank = (books: GameBooks, available: bigint, reserved = 0n): GameBooks => ({
  ...books,
  bank: { available: books.bank.available + available, reserved: books.bank.reserved + reserved },
});

/** As move_game.sql. */
function move(books: GameBooks, fact: GameFact): GameBooks {
  const edge = GAME.edgeOf(books.state, fact);
  if (!edge) throw new Error(`a game that is ${books.state} cannot take ${fact}`);
  const wasOfIt = books.state === 'OPEN' || STATES[books.state].stuck;
  return { ...books, state: edge.to, needsOperator: STATES[edge.to].stuck || (books.needsOperator && !wasOfIt) };
}

/** As place_bet.sql. */
export function bet(books: GameBooks, { userId, side, amountMinor }: Staked): Told {
  const player = playerOf(books, userId);
  if (books.state !== 'OPEN') return refuse('game_closed', books);
  if (player.frozen) return refuse('user_frozen', books);
  if (player.available < amountMinor) return refuse('insufficient_balance', books);
  const bets = [...books.bets, { userId, side, amountMinor }];
  const more = highestLiability(bets, sides) - books.held;
  if (books.bank.available < more) return refuse('bank_insufficient', books);
  const placed = setPlayer({ ...books, bets, held: books.held + more }, userId, {
    available: player.available - amountMinor,
    reserved: player.reserved + amountMinor,
    stake: player.stake + amountMinor,
    state: 'playing',
  });
  return { outcome: 'placed', books: moveBank(placed, -more, more) };
}

export type Said = Readonly<Record<string, bigint>> | null;

/** As record_completion.sql. */
export function complete(books: GameBooks, winner: string, said: Said): Told {
  if (books.isVoid) return refuse('voided', books);
  const isNobodys = Object.keys(said ?? {}).some((id) => !books.bets.some((each) => each.userId === id && each.side === winner));
  const shares = sharesOf(books.bets, sides, winner, said ? new Map(Object.entries(said)) : undefined);
  if (books.state !== 'OPEN') {
    const isSame = books.players.every(({ id, payout }) => (shares.get(id)?.payoutMinor ?? 0n) === payout);
    if (books.winner === winner && !isNobodys && isSame) return refuse('already', books);
    const report = `${winner} ${Object.entries(said ?? {}).join()} ${said === null}`;
    if (books.refused.includes(report)) return refuse('already_completed', books);
    return { outcome: 'already_completed', books: { ...books, refused: [...books.refused, report].sort(), needsOperator: true } };
  }
  if (isNobodys) return refuse('no_winning_bet', books);
  const needed = [...shares.values()].reduce(
    (sum, { payoutMinor, stakeWonMinor }) => sum + most(payoutMinor - stakeWonMinor, 0n),
    0n,
  );
  if (needed > books.bank.available + books.held) return refuse('bank_insufficient', books);
  let now: GameBooks = { ...moveBank(books, books.held - needed, needed - books.held), held: needed, winner };
  for (const [id, { stakeWonMinor: stakeWon, payoutMinor: payout }] of shares) now = setPlayer(now, id, { stakeWon, payout });
  return { outcome: 'recorded', books: move(now, 'completed') };
}

/** New money of a player's, which repays the bank first. */
function gain(books: GameBooks, id: string, amount: bigint): GameBooks {
  const { available, debt } = playerOf(books, id);
  const repaid = least(amount, debt);
  return moveBank(setPlayer(books, id, { available: available + amount - repaid, debt: debt - repaid }), repaid);
}

/** As settle_users.sql. */
export function settleUsers(books: GameBooks, ids: readonly string[]): Told {
  if (books.state !== 'SETTLING') return refuse('stopped', books);
  let now = books;
  const apart: string[] = [];
  for (const id of ids) {
    const player = playerOf(now, id);
    const { state, frozen, debt, stake, stakeWon, payout, reserved, told } = player;
    if (state !== 'playing') continue;
    if (frozen) now = setPlayer(now, id, { failure: 'user_frozen' });
    else if (ids.length > 1 && debt > 0n && payout > 0n) apart.push(id);
    else {
      const [left, beyond] = [most(stakeWon - payout, 0n), most(payout - stakeWon, 0n)];
      now = setPlayer(now, id, { reserved: reserved - stake, state: 'settled', failure: null, told: told + 1 });
      now = moveBank({ ...now, held: now.held - beyond }, stake - stakeWon + left, stakeWon - payout - left);
      now = gain(now, id, payout);
    }
  }
  return { outcome: 'done', books: now, apart };
}

/** As void_game (end_game.sql). */
export function voidGame(books: GameBooks): Told {
  if (books.isVoid) return refuse('already', books);
  const freed = moveBank(books, books.held, -books.held);
  const players = books.players.map((each) => ({ ...each, failure: null }));
  return { outcome: 'begun', books: move({ ...freed, held: 0n, isVoid: true, players }, 'voided') };
}

/** Of a void those from whom the bank gets as much as it gives come first. */
export const isFirst = ({ state, payout, stake }: Player): boolean => state !== 'settled' || payout >= stake;

/** As void_users.sql. */
export function voidUsers(books: GameBooks, ids: readonly string[]): Told {
  if (books.state !== 'VOIDING') return refuse('stopped', books);
  let now = books;
  const inOrder = [...ids.filter((id) => isFirst(playerOf(books, id))), ...ids.filter((id) => !isFirst(playerOf(books, id)))];
  for (const id of inOrder) {
    const { state, frozen, available, reserved, debt, stake, payout, told } = playerOf(now, id);
    if (state === 'voided' || state === 'out') continue;
    const isSettled = state === 'settled';
    const atOnce = isSettled ? least(payout, available) : 0n;
    const later = isSettled ? least(payout - atOnce, stake) : 0n;
    const isShort = isSettled && now.bank.available + atOnce + later < stake;
    const failure = frozen ? 'user_frozen' : isShort ? 'bank_insufficient' : null;
    if (failure !== null) {
      now = setPlayer(now, id, { failure });
      continue;
    }
    const owed = isSettled ? payout - atOnce - later : 0n;
    now = setPlayer(now, id, {
      available: available - atOnce + stake - later,
      reserved: reserved - (isSettled ? 0n : stake),
      debt: debt + owed,
      state: 'voided',
      failure: null,
      told: told + 1,
    });
    if (isSettled) now = moveBank(now, atOnce - stake + later);
  }
  return { outcome: 'done', books: now };
}

/** As `unsettled` (settle_users.sql). */
const UNSETTLED: Readonly<Partial<Record<GameState, readonly Player['state'][]>>> = {
  SETTLING: ['playing'],
  VOIDING: ['playing', 'settled'],
};

/** Of whom something is left to be done, who was not written down as failed. */
export const leftOf = ({ state, players }: Pick<GameBooks, 'state' | 'players'>): readonly string[] =>
  players.filter((each) => UNSETTLED[state]?.includes(each.state) && each.failure === null).map(({ id }) => id);

/** As end_game.sql. */
export function endGame(books: GameBooks): Told {
  const { state } = books;
  if (state !== 'SETTLING' && state !== 'VOIDING') return refuse('stopped', books);
  if (leftOf(books).length > 0) return refuse('more', books);
  const isInPart = books.players.some(({ failure }) => failure !== null);
  const facts = { SETTLING: ['settled', 'settled_in_part'], VOIDING: ['refunded', 'refunded_in_part'] } as const;
  return { outcome: 'ended', books: move(books, facts[state][isInPart ? 1 : 0]) };
}

/** As retry_game (end_game.sql). */
export function retryGame(books: GameBooks): Told {
  if (!STATES[books.state].stuck) return refuse('wrong_state', books);
  const players = books.players.map((each) => ({ ...each, failure: null }));
  return { outcome: 'begun', books: move({ ...books, players }, 'retried') };
}

/** What merchants do about a player: freeze_user.sql, move_user_money.sql. */
export const freeze = (books: GameBooks, id: string, frozen: boolean): Told => ({
  outcome: 'done',
  books: setPlayer(books, id, { frozen }),
});

export function debit(books: GameBooks, id: string, amount: bigint): Told {
  const { frozen, available } = playerOf(books, id);
  if (frozen) return refuse('user_frozen', books);
  if (available < amount) return refuse('insufficient_balance', books);
  return { outcome: 'moved', books: setPlayer(books, id, { available: available - amount }) };
}

export const credit = (books: GameBooks, id: string, amount: bigint): Told =>
  playerOf(books, id).frozen ? refuse('user_frozen', books) : { outcome: 'moved', books: gain(books, id, amount) };

/** More in the bank, or less: move_bank_money.sql. */
export const bankMoney = (books: GameBooks, amount: bigint): Told =>
  books.bank.available + amount < 0n
    ? refuse('insufficient_balance', books)
    : { outcome: 'moved', books: moveBank(books, amount) };
