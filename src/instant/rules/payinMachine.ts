/** The life of a payin, a payer's deposit, as data. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

export const PAYIN_STATES = {
  waiting: { final: false },
  assigned: { final: false },
  proof_submitted: { final: false },
  completed: { final: true },
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
  proved: 'payer',
  proved_late: 'payer',
} as const satisfies Record<string, 'engine' | 'payer'>;

export type PayinFact = keyof typeof PAYIN_FACTS;

/** `tell`: its merchant's callback is told; no state is told twice. */
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
  ],
  sql: {
    source: 'src/instant/rules/payinMachine.ts',
    file: 'prisma/functions/instant/payin_edges.sql',
    edges: 'payin_edges',
    origin: 'payin_fact_origin',
    flags: { final: 'payin_final' },
  },
});
