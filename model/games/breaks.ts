/** Rules of games that are wrong on purpose, to show that the model sees. Each names bounds in which it must be found. */
import { complete, endGame, leftOf, settleUsers, voidUsers } from './books.ts';
import { GAMES_TODAY, type GameBounds, type GameRules, gameBounds } from './rules.ts';

export interface GameBreak {
  readonly name: string;
  readonly rules: GameRules;
  readonly bounds: GameBounds;
}

const placed = [[0, 'andar'], [1, 'bahar']] as const; // biome-ignore format: a list

export const GAME_BREAKS: readonly GameBreak[] = [
  {
    name: 'who is settled is settled again by the next step that names the player',
    rules: {
      ...GAMES_TODAY,
      settle: (books, ids) => {
        const players = books.players.map((each) =>
          ids.includes(each.id) && each.state === 'settled' ? { ...each, state: 'playing' as const } : each,
        );
        return settleUsers({ ...books, players }, ids);
      },
    },
    bounds: gameBounds('again', { reports: 1, deaths: 1 }, { placed }),
  },
  {
    name: 'a later report takes the place of the first one',
    rules: {
      ...GAMES_TODAY,
      complete: (books, winner, said) => complete(books.state === 'SETTLING' ? { ...books, state: 'OPEN' } : books, winner, said),
    },
    bounds: gameBounds('overwritten', { reports: 2 }, { placed }),
  },
  {
    name: 'a step goes on settling a game that is void by now',
    rules: {
      ...GAMES_TODAY,
      settle: (books, ids) => {
        const told = settleUsers({ ...books, state: books.isVoid ? 'SETTLING' : books.state }, ids);
        return { ...told, books: { ...told.books, state: books.state } };
      },
    },
    bounds: gameBounds('void', { reports: 1, voids: 1 }, { placed }),
  },
  {
    name: 'a void gives the stakes back and leaves the winnings',
    rules: {
      ...GAMES_TODAY,
      void: (books, ids) => voidUsers({ ...books, players: books.players.map((each) => ({ ...each, payout: 0n })) }, ids),
    },
    bounds: gameBounds('winnings', { reports: 1, voids: 1 }, { placed }),
  },
  {
    name: 'a game ends though somebody is tried again',
    rules: {
      ...GAMES_TODAY,
      end: (books) =>
        leftOf(books).length === 0
          ? endGame(books)
          : {
              ...endGame({ ...books, players: [] }),
              books: { ...endGame({ ...books, players: [] }).books, players: books.players },
            },
    },
    bounds: gameBounds('ended', { reports: 1, freezes: 2, retries: 1, deaths: 1 }, { placed }),
  },
  {
    name: 'nobody looks for games whose settlement was never told',
    rules: { ...GAMES_TODAY, looksAfter: false },
    bounds: gameBounds('untold', { reports: 1, deaths: 1 }, { placed }),
  },
];
