/** The life of a withdrawal as data: states, facts, and the edges between. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

export const INSTANT_PAYOUT_STATES = {
  open: { final: false },
  partially_paid: { final: false },
  /** The payee says of a slice that it was not received. The other slices go on. */
  disputed: { final: false },
  completed: { final: true },
  /** Some of it was paid, or handed to a payout; the rest came back. */
  partially_completed: { final: true },
  /** None of it was paid. */
  cancelled: { final: true },
} as const satisfies Record<string, { final: boolean }>;

export type InstantPayoutState = keyof typeof INSTANT_PAYOUT_STATES;

export const INSTANT_PAYOUT_FACTS = {
  slice_paid: 'slice',
  slice_reversed: 'slice',
  slice_returned: 'slice',
  disputed: 'slice',
  dispute_over: 'slice',
  dispute_over_unpaid: 'slice',
  closing: 'person',
  completed: 'engine',
  completed_in_part: 'engine',
  cancelled: 'engine',
} as const satisfies Record<string, 'slice' | 'person' | 'engine'>;

export type InstantPayoutFact = keyof typeof INSTANT_PAYOUT_FACTS;

/** `unlock`: it is over, and its merchant's callback is told, once. */
export type InstantPayoutEffect = 'none' | 'unlock';

export const INSTANT_PAYOUT_EVENTS = ['instant-payout-status-update'] as const;
export type InstantPayoutEvent = (typeof INSTANT_PAYOUT_EVENTS)[number];

type Edge = MachineEdge<InstantPayoutState, InstantPayoutFact, InstantPayoutEffect, InstantPayoutEvent>;

const edge = (
  from: InstantPayoutState,
  fact: InstantPayoutFact,
  to: InstantPayoutState,
  effect: InstantPayoutEffect = 'none',
): Edge => ({ from, fact, to, effect, event: 'instant-payout-status-update' });

const UNDER_WAY = ['open', 'partially_paid', 'disputed'] as const;

export const INSTANT_PAYOUT = defineMachine({
  states: INSTANT_PAYOUT_STATES,
  facts: INSTANT_PAYOUT_FACTS,
  edges: [
    edge('open', 'slice_paid', 'partially_paid'),
    edge('partially_paid', 'slice_paid', 'partially_paid'),
    edge('disputed', 'slice_paid', 'disputed'),
    ...UNDER_WAY.flatMap((state) =>
      (['slice_reversed', 'slice_returned', 'closing'] as const).map((fact) => edge(state, fact, state)),
    ),
    ...UNDER_WAY.map((state) => edge(state, 'disputed', 'disputed')),
    edge('disputed', 'dispute_over', 'partially_paid'),
    edge('disputed', 'dispute_over_unpaid', 'open'),
    edge('partially_paid', 'completed', 'completed', 'unlock'),
    ...(['open', 'partially_paid'] as const).flatMap((state) => [
      edge(state, 'completed_in_part', 'partially_completed', 'unlock'),
      edge(state, 'cancelled', 'cancelled', 'unlock'), // also where what was paid was taken back
    ]),
  ],
  sql: {
    source: 'src/instant/rules/payoutMachine.ts',
    file: 'prisma/functions/instant/instant_payout_edges.sql',
    edges: 'instant_payout_edges',
    origin: 'instant_payout_fact_origin',
    flags: { final: 'instant_payout_final' },
  },
});
