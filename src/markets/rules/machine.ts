/** The life of a market's resolution as data: states, facts, and the edges between. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

/** `final`: nothing is left to be done by itself. `stopped`: an operator must look, and says when to go on. */
export const STATES = {
  IN_REVIEW: { final: false, stopped: false },
  DISPUTE_WINDOW: { final: false, stopped: false },
  DISPUTED: { final: false, stopped: false },
  PLANNING: { final: false, stopped: false },
  PLANNING_STOPPED: { final: false, stopped: true },
  WAITING_FOR_FUNDS: { final: false, stopped: false },
  PAYING: { final: false, stopped: false },
  PAYING_STOPPED: { final: false, stopped: true },
  COMPLETED: { final: true, stopped: false },
  REJECTED: { final: true, stopped: false },
  ROLLING_BACK: { final: false, stopped: false },
  ROLLING_BACK_STOPPED: { final: false, stopped: true },
  ROLLED_BACK: { final: true, stopped: false },
} as const satisfies Record<string, { final: boolean; stopped: boolean }>;

export type ResolutionState = keyof typeof STATES;

export const FACTS = {
  approved: 'person',
  rejected: 'person',
  disputed: 'user',
  window_over: 'engine',
  upheld: 'person',
  overturned: 'person',
  overturned_to_review: 'person',
  short: 'engine',
  funded: 'engine',
  planned: 'engine',
  stopped: 'engine',
  retried: 'person',
  completed: 'engine',
  rollback_asked: 'person',
  rolled_back: 'engine',
} as const satisfies Record<string, 'person' | 'user' | 'engine'>;

export type ResolutionFact = keyof typeof FACTS;

/**
 * What it does besides: to the window in which participants may say no, to the plan, to the market. Users are paid, or what
 * they got is taken back, one by one, beside the resolution's own edges.
 */
export type Effect = 'none' | 'open_window' | 'plan' | 'book_fees' | 'free_market' | 'forget_outcome';

export const RESOLUTION_EVENTS = [
  'resolution.in_review', 'resolution.approved', 'resolution.rejected', 'resolution.dispute_window', 'resolution.disputed',
  'resolution.upheld', 'resolution.overturned', 'resolution.planning', 'resolution.waiting_for_funds', 'resolution.paying',
  'resolution.progress', 'resolution.failed', 'resolution.completed', 'resolution.rolling_back', 'resolution.rolled_back',
] as const; // biome-ignore format: a list
export type ResolutionEvent = (typeof RESOLUTION_EVENTS)[number];

/** For operators only: never in a webhook, and the resolution's state stays. */
export const RESOLUTION_NOTES = ['resolution.acknowledged'] as const;

type Edge = MachineEdge<ResolutionState, ResolutionFact, Effect, ResolutionEvent>;

const edge = (
  from: ResolutionState,
  fact: ResolutionFact,
  to: ResolutionState,
  effect: Effect,
  event: ResolutionEvent,
): Edge => ({
  from,
  fact,
  to,
  effect,
  event,
});

export const RESOLUTION = defineMachine({
  states: STATES,
  facts: FACTS,
  edges: [
    edge('IN_REVIEW', 'approved', 'DISPUTE_WINDOW', 'open_window', 'resolution.approved'),
    edge('IN_REVIEW', 'rejected', 'REJECTED', 'free_market', 'resolution.rejected'),
    edge('DISPUTE_WINDOW', 'disputed', 'DISPUTED', 'none', 'resolution.disputed'),
    edge('DISPUTE_WINDOW', 'window_over', 'PLANNING', 'none', 'resolution.planning'),
    edge('DISPUTED', 'upheld', 'PLANNING', 'none', 'resolution.upheld'),
    edge('DISPUTED', 'overturned', 'DISPUTE_WINDOW', 'open_window', 'resolution.overturned'),
    edge('DISPUTED', 'overturned_to_review', 'IN_REVIEW', 'none', 'resolution.overturned'),
    edge('PLANNING', 'short', 'WAITING_FOR_FUNDS', 'none', 'resolution.waiting_for_funds'),
    edge('WAITING_FOR_FUNDS', 'funded', 'PLANNING', 'none', 'resolution.planning'),
    edge('PLANNING', 'planned', 'PAYING', 'plan', 'resolution.paying'),
    edge('PLANNING', 'stopped', 'PLANNING_STOPPED', 'none', 'resolution.failed'),
    edge('DISPUTE_WINDOW', 'stopped', 'PLANNING_STOPPED', 'none', 'resolution.failed'), // once its time is over
    edge('WAITING_FOR_FUNDS', 'stopped', 'PLANNING_STOPPED', 'none', 'resolution.failed'),
    edge('PLANNING_STOPPED', 'retried', 'PLANNING', 'none', 'resolution.planning'),
    edge('PAYING', 'stopped', 'PAYING_STOPPED', 'none', 'resolution.failed'),
    edge('PAYING_STOPPED', 'retried', 'PAYING', 'none', 'resolution.paying'),
    edge('PAYING', 'completed', 'COMPLETED', 'book_fees', 'resolution.completed'),
    edge('PAYING_STOPPED', 'rollback_asked', 'ROLLING_BACK', 'none', 'resolution.rolling_back'),
    edge('COMPLETED', 'rollback_asked', 'ROLLING_BACK', 'none', 'resolution.rolling_back'),
    edge('ROLLING_BACK', 'stopped', 'ROLLING_BACK_STOPPED', 'none', 'resolution.failed'),
    edge('ROLLING_BACK_STOPPED', 'retried', 'ROLLING_BACK', 'none', 'resolution.rolling_back'),
    edge('ROLLING_BACK', 'rolled_back', 'ROLLED_BACK', 'forget_outcome', 'resolution.rolled_back'),
  ],
  sql: {
    source: 'src/markets/rules/machine.ts',
    file: 'prisma/functions/markets/resolution_edges.sql',
    edges: 'resolution_edges',
    origin: 'resolution_fact_origin',
    flags: { final: 'resolution_final', stopped: 'resolution_stopped' },
  },
});

/** In these the engine moves money, or is about to, and a pause holds it back. What people decide, and the time for that, go on. */
const PAUSABLE: readonly ResolutionState[] = ['PLANNING', 'WAITING_FOR_FUNDS', 'PAYING', 'ROLLING_BACK'];
export const isPausable = (state: ResolutionState): boolean => PAUSABLE.includes(state);

export const RESOLUTION_STATES = RESOLUTION.statesWhere(() => true);

/** A market's own states follow from what its resolutions do. */
export const MARKET_STATES = ['OPEN', 'RESOLVING', 'UNRESOLVED', 'RESOLVED', 'VOID'] as const;
export type MarketState = (typeof MARKET_STATES)[number];

export const MARKET_EVENTS = [
  'market.created',
  'market.resolving',
  'market.unresolved',
  'market.resolved',
  'market.voided',
] as const;
export type MarketEvent = (typeof MARKET_EVENTS)[number];

/** Of users, told by markets: what a resolution came to for one, and that it was taken back. */
export const DISTRIBUTION_EVENTS = ['distribution.completed', 'distribution.rolled_back'] as const;
