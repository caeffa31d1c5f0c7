/** The life of a payin, a payer's deposit, as data. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

export const PAYIN_STATES = {
  waiting: { final: false },
  assigned: { final: false },
  proof_submitted: { final: false },
  completed: { final: true },
  /** Over, as `reversed`; but where the payee's bank has the payment all the same, a person decides again. */
  failed: { final: true },
  /** Over; but a proof that comes late is honoured all the same, or decided by a person. */
  expired: { final: true },
  late_proof: { final: false },
  reversed: { final: true },
} as const satisfies Record<string, { final: boolean }>;

export type PayinState = keyof typeof PAYIN_STATES;

export const PAYIN_FACTS = {
  matched: 'engine',
  lapsed: 'engine',
  credited: 'engine',
  refused: 'engine',
  reversed: 'engine',
  still_failed: 'engine',
  still_reversed: 'engine',
  found: 'bank',
  proved: 'payer',
  proved_late: 'payer',
} as const satisfies Record<string, 'engine' | 'payer' | 'bank'>;

export type PayinFact = keyof typeof PAYIN_FACTS;

/**
 * `tell`: its merchant's callback is told. No end is told twice, but for the success of a payin that was reversed in between:
 * who heard of the reversal must hear that it is credited after all.
 */
export type PayinEffect = 'none' | 'tell';

export const PAYIN_EVENTS = ['payin-status-update'] as const;
export type PayinEvent = (typeof PAYIN_EVENTS)[number];

type Edge = MachineEdge<PayinState, PayinFact, PayinEffect, PayinEvent>;

const edge = (from: PayinState, fact: PayinFact, to: PayinState, effect: PayinEffect): Edge => ({
  from,
  fact,
  to,
  effect,
  event: 'payin-status-update',
});

export const PAYIN = defineMachine({
  states: PAYIN_STATES,
  facts: PAYIN_FACTS,
  edges: [
    edge('waiting', 'matched', 'assigned', 'none'),
    edge('waiting', 'lapsed', 'expired', 'tell'),
    edge('assigned', 'lapsed', 'expired', 'tell'),
    edge('assigned', 'proved', 'proof_submitted', 'none'),
    edge('expired', 'proved', 'proof_submitted', 'none'), // late, and its slice was still free
    edge('expired', 'proved_late', 'late_proof', 'none'),
    edge('proof_submitted', 'credited', 'completed', 'tell'),
    edge('late_proof', 'credited', 'completed', 'tell'),
    edge('proof_submitted', 'refused', 'failed', 'tell'),
    edge('late_proof', 'refused', 'failed', 'tell'),
    edge('completed', 'reversed', 'reversed', 'tell'),
    // An operator said that it was not paid, and the payee's bank has it: decided again, as a late proof; refused again it is no news.
    edge('failed', 'found', 'late_proof', 'none'),
    edge('reversed', 'found', 'late_proof', 'none'),
    edge('late_proof', 'still_failed', 'failed', 'none'),
    edge('late_proof', 'still_reversed', 'reversed', 'none'),
  ],
  sql: {
    source: 'src/instant/rules/payinMachine.ts',
    file: 'prisma/functions/instant/payin_edges.sql',
    edges: 'payin_edges',
    origin: 'payin_fact_origin',
    flags: { final: 'payin_final' },
  },
});
