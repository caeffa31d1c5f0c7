/** The life of a game as data: states, facts, and the edges between. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

/** `stuck`: some players could not be settled, or voided, and an operator is to see why. */
export const STATES = {
  OPEN: { final: false, stuck: false },
  SETTLING: { final: false, stuck: false },
  SETTLED: { final: true, stuck: false },
  PARTLY_SETTLED: { final: true, stuck: true },
  VOIDING: { final: false, stuck: false },
  VOIDED: { final: true, stuck: false },
  PARTLY_VOIDED: { final: true, stuck: true },
} as const satisfies Record<string, { final: boolean; stuck: boolean }>;

export type GameState = keyof typeof STATES;

export const FACTS = {
  completed: 'merchant',
  settled: 'engine',
  settled_in_part: 'engine',
  refunded: 'engine',
  refunded_in_part: 'engine',
  retried: 'person',
  voided: 'person',
} as const satisfies Record<string, 'merchant' | 'engine' | 'person'>;

export type GameFact = keyof typeof FACTS;

/** What it does to the bank's reserve for the game. Players are paid one by one, beside the game's own edges. */
export type Effect = 'none' | 'hold_payouts' | 'release_hold';

export const GAME_EVENTS = [
  'game.opened', 'game.completed', 'game.settled', 'game.partly_settled', 'game.retried', 'game.voiding', 'game.voided',
  'game.partly_voided',
] as const; // biome-ignore format: a list
export type GameEvent = (typeof GAME_EVENTS)[number];

/** For operators only: never in a webhook, and the game's state stays. */
export const GAME_NOTES = ['game.report_refused', 'game.overdue', 'game.acknowledged'] as const;

type Edge = MachineEdge<GameState, GameFact, Effect, GameEvent>;

const edge = (from: GameState, fact: GameFact, to: GameState, effect: Effect, event: GameEvent): Edge => ({
  from,
  fact,
  to,
  effect,
  event,
});

export const GAME = defineMachine({
  states: STATES,
  facts: FACTS,
  edges: [
    edge('OPEN', 'completed', 'SETTLING', 'hold_payouts', 'game.completed'),
    edge('SETTLING', 'settled', 'SETTLED', 'none', 'game.settled'),
    edge('SETTLING', 'settled_in_part', 'PARTLY_SETTLED', 'none', 'game.partly_settled'),
    edge('PARTLY_SETTLED', 'retried', 'SETTLING', 'none', 'game.retried'),
    ...(['OPEN', 'SETTLING', 'PARTLY_SETTLED', 'SETTLED'] as const).map((from) =>
      edge(from, 'voided', 'VOIDING', 'release_hold', 'game.voiding'),
    ),
    edge('VOIDING', 'refunded', 'VOIDED', 'none', 'game.voided'),
    edge('VOIDING', 'refunded_in_part', 'PARTLY_VOIDED', 'none', 'game.partly_voided'),
    edge('PARTLY_VOIDED', 'retried', 'VOIDING', 'none', 'game.retried'),
  ],
  sql: {
    source: 'src/games/rules/machine.ts',
    file: 'prisma/functions/games/game_edges.sql',
    edges: 'game_edges',
    origin: 'game_fact_origin',
    flags: { final: 'game_final', stuck: 'game_stuck' },
  },
});

export const GAME_STATES = GAME.statesWhere(() => true);
