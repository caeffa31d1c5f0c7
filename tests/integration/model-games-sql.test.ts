/**
 * The model of games explores pure twins of the ledger's functions. Here random walks tell the real functions and the twins the
 * same: answers, game, bank and players must be equal, or the proof would be about something else.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  bankMoney, bet, complete, credit, debit, endGame, freeze, type GameBooks, idOf, newGame, playerOf, retryGame, type Said, settleUsers,
  type Told, voidGame, voidUsers,
} from '../../model/games/books.ts'; // biome-ignore format: a list
import { randomOf } from '../../model/walk.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Games, gamesOf, type TestGame } from '../support/games.ts';
import type { TestUser } from '../support/users.ts';

const COUNT = 25;
const DEEDS = 30;
const PLAYERS = 3;
const SIDES = ['andar', 'bahar'] as const;

let books: Books;
let games: Games;
beforeAll(async () => {
  books = await openBooks();
  games = gamesOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

interface Real {
  readonly house: { merchantId: string; mode: 'test' | 'live' };
  readonly game: TestGame;
  /** One that the first player has won, with 10 on andar; it may still be made void. */
  readonly earlier: TestGame;
  readonly users: readonly TestUser[];
}

async function begin(): Promise<{ real: Real; twin: GameBooks }> {
  const house = await games.house(30n);
  const users = [await games.player(house, 20n), await games.player(house, 15n), await games.player(house, 15n)];
  const earlier = await games.open(house);
  await games.bet(earlier, users[0] as TestUser, 'andar', 10n);
  await games.complete(earlier, 'andar');
  await games.settle(earlier);
  const game = await games.open(house);
  const twin = newGame({ bank: 20n, players: [{ available: 30n }, { available: 15n }, { available: 15n }] });
  return { real: { house, game, earlier, users }, twin };
}

interface Deed {
  readonly name: string;
  really(real: Real): Promise<string>;
  twin(books: GameBooks): Told;
}

/** The earlier game becomes void: the same rules, of the first player alone. */
function voidEarlier(now: GameBooks): Told {
  const { available, debt, frozen } = playerOf(now, idOf(0));
  const before = newGame({ bank: now.bank.available, players: [{ available, debt }] });
  const player = { ...playerOf(before, idOf(0)), frozen, state: 'settled', stake: 10n, stakeWon: 10n, payout: 20n } as const;
  const after = voidUsers({ ...before, state: 'VOIDING', isVoid: true, players: [player] }, [idOf(0)]).books;
  const its = playerOf(after, idOf(0));
  const players = now.players.map((each) => (each.id === idOf(0) ? { ...each, available: its.available, debt: its.debt } : each));
  return { outcome: 'done', books: { ...now, bank: { ...now.bank, available: after.bank.available }, players } };
}

/** @param wasVoided the earlier game was made void before: once is enough. */
function draw(random: (below: number) => number, wasVoided: boolean): Deed {
  const nth = random(PLAYERS);
  const side = SIDES[random(2)] ?? 'andar';
  const amount = BigInt(1 + random(8));
  const ids = Array.from({ length: PLAYERS }, (_, each) => each).filter(() => random(3) > 0);
  const of = (real: Real) => ids.flatMap((each) => real.users[each] ?? []);
  const names = ids.map(idOf);
  const user = (real: Real) => real.users[nth] as TestUser;
  const said: Said = random(3) === 0 ? { [idOf(nth)]: amount } : null;
  const isFrozen = random(3) === 0;
  const steps = (name: 'settle_users' | 'void_users', twin: typeof settleUsers): Deed => ({
    name: `${name} ${names}`,
    really: async (real) => {
      const answer = await games.settleUsers(real.game, of(real), name);
      const apart = ((answer['apart'] ?? []) as string[]).map((id) => idOf(real.users.findIndex(({ userId }) => userId === id)));
      return `${answer['outcome']} ${apart}`;
    },
    twin: (now) => {
      const told = twin(now, names);
      return { ...told, outcome: `${told.outcome} ${told.apart ?? []}` };
    },
  });
  const deeds: readonly Deed[] = [
    ...Array.from({ length: 3 }, () => ({
      name: `${idOf(nth)} bets ${amount} on ${side}`,
      really: (real: Real) => games.bet(real.game, user(real), side, amount),
      twin: (now: GameBooks) => bet(now, { userId: idOf(nth), side, amountMinor: amount }),
    })),
    {
      name: `${side} has won, ${said ? `and ${idOf(nth)} gets ${amount}` : 'by the multipliers'}`,
      really: async (real) => (await games.complete(real.game, side, said ? [[user(real), amount]] : undefined)).outcome,
      twin: (now) => complete(now, side, said),
    },
    ...Array.from({ length: 3 }, () => steps('settle_users', settleUsers)),
    ...Array.from({ length: 2 }, () => steps('void_users', voidUsers)),
    { name: 'end', really: (real) => end(real.game), twin: endGame },
    { name: 'end', really: (real) => end(real.game), twin: endGame },
    ...(random(3) === 0 ? [{ name: 'void', really: (real: Real) => games.void(real.game), twin: voidGame }] : []),
    { name: 'retry', really: (real) => games.retry(real.game), twin: retryGame },
    {
      name: `${idOf(nth)} is ${isFrozen ? 'frozen' : 'freed'}`,
      really: async (real) => {
        await games.users.freeze(user(real), isFrozen);
        return 'done';
      },
      twin: (now) => freeze(now, idOf(nth), isFrozen),
    },
    {
      name: `${idOf(nth)} spends ${amount * 3n}`,
      really: (real) => games.users.debit(user(real), amount * 3n, { currency: 'INR' }),
      twin: (now) => debit(now, idOf(nth), amount * 3n),
    },
    {
      name: `${idOf(nth)} gets ${amount}`,
      async really(real) {
        await books.fund(real.house, amount, undefined, 'INR');
        return await games.users.credit(user(real), amount, { currency: 'INR' });
      },
      twin: (now) => credit(now, idOf(nth), amount),
    },
    {
      name: `the bank gives ${amount * 4n}`,
      really: (real) => games.withdraw(real.house, amount * 4n),
      twin: (now) => bankMoney(now, -amount * 4n),
    },
    ...(wasVoided
      ? []
      : [
          {
            name: 'the earlier game is void',
            async really({ earlier }: Real) {
              await games.void(earlier);
              await games.settle(earlier);
              return 'done';
            },
            twin: voidEarlier,
          },
        ]),
  ];
  return deeds[random(deeds.length)] as Deed;
}

async function end({ gameId }: TestGame): Promise<string> {
  const { rows } = await books.db.pool.query<{ answer: { outcome: string } }>('SELECT end_game($1) AS answer', [gameId]);
  return rows[0]?.answer.outcome ?? '';
}

async function read({ house, game, users }: Real): Promise<unknown> {
  const { state, held, needsOperator } = await games.state(game);
  const { available } = await games.bank(house);
  const { rows } = await books.db.owner.query(
    `SELECT u.id, b.available, b.reserved, b.debt, coalesce(p.state, 'out') AS state, p.failure, coalesce(p.payout, 0)::text AS payout,
            (SELECT count(*)::int FROM events e WHERE e.subject_id = u.id AND e.type = 'game_complete' AND e.object ->> 'gameId' = $2) AS told
       FROM users u JOIN balances b ON b.owner_kind = 'user' AND b.owner_id = u.id
       LEFT JOIN game_players p ON p.user_id = u.id AND p.game_id = $2 WHERE u.id = ANY ($1)`,
    [users.map(({ userId }) => userId), game.gameId],
  );
  const players = users.map(({ userId }) => {
    const { id: _, ...row } = rows.find(({ id }) => id === userId);
    return { ...row, available: String(row.available), reserved: String(row.reserved), debt: String(row.debt) };
  });
  return { state, held, needsOperator, bank: available, players };
}

const shown = ({ state, held, needsOperator, bank, players }: GameBooks): unknown => ({
  state,
  held,
  needsOperator,
  bank: bank.available,
  players: players.map(({ available, reserved, debt, state: its, failure, payout, told }) => ({
    available: String(available),
    reserved: String(reserved),
    debt: String(debt),
    state: its,
    failure,
    payout: String(payout),
    told,
  })),
});

test(`${COUNT} random walks drive the real functions of games, and they answer as the model does`, async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= COUNT; seed += 1) {
    const random = randomOf(seed);
    let { real, twin } = await begin();
    const story: string[] = [];
    let wasVoided = false;
    for (let count = 0; count < DEEDS; count += 1) {
      const deed = draw(random, wasVoided);
      if (deed.twin === voidEarlier) wasVoided = true;
      const outcome = await deed.really(real);
      const told = deed.twin(twin);
      twin = told.books;
      story.push(`${deed.name}: ${outcome}`);
      outcomes.add(`${deed.name.split(' ')[0]} ${outcome.split(' ')[0]}`);
      expect({ seed, story, outcome, now: await read(real) }).toEqual({ seed, story, outcome: told.outcome, now: shown(twin) });
    }
  }
  // Else the walks would say little.
  for (const each of ['settle_users done', 'void_users done', 'end ended', 'end more', 'retry begun', 'void begun'])
    expect([...outcomes]).toContain(each);
});
