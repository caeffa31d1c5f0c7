/** The life of a batch, a slice of a withdrawal, as data. After a change `npm run machines` writes it into the database. */
import { defineMachine, type MachineEdge } from '../../rules/defineMachine.ts';

/** `free`: anybody may take it. `proven`: a proof was shown, and nobody has had the last word on it. */
export const BATCH_STATES = {
  unassigned: { final: false, free: true, proven: false },
  /** The same once more: a payer had it and did not pay in time. */
  reassigned: { final: false, free: true, proven: false },
  assigned: { final: false, free: false, proven: false },
  proof_submitted: { final: false, free: false, proven: true },
  /** The proof is valid; whether its payer has the money by now is the policy's affair (`money`). The payee is waited for. */
  sys_confirmed: { final: false, free: false, proven: true },
  disputed: { final: false, free: false, proven: true },
  confirmed: { final: true, free: false, proven: false },
  admin_approved: { final: true, free: false, proven: false },
  rejected: { final: true, free: false, proven: false },
  cancelled: { final: true, free: false, proven: false },
  /** Cancelled, and then somebody who once had it has shown a proof: a person decides. Its withdrawal does not wait for that. */
  late_proof: { final: true, free: false, proven: false },
} as const satisfies Record<string, { final: boolean; free: boolean; proven: boolean }>;

export type BatchState = keyof typeof BATCH_STATES;

/** Nothing is to come of a slice in one of these; for the SQL of whoever may not ask instant_batch_final. */
export const FINAL_BATCH_STATES = (Object.keys(BATCH_STATES) as BatchState[]).filter((state) => BATCH_STATES[state].final);

export const BATCH_FACTS = {
  assigned: 'payer',
  proved: 'payer',
  proved_late: 'payer',
  expired: 'engine',
  unfilled: 'engine',
  verified: 'engine',
  completed: 'engine',
  unconfirmed: 'engine',
  confirmed: 'payee',
  disputed: 'payee',
  taken_back: 'person',
  closed: 'person',
  approved: 'person',
  rejected: 'person',
  late_decided: 'person',
} as const satisfies Record<string, 'payer' | 'payee' | 'engine' | 'person'>;

export type BatchFact = keyof typeof BATCH_FACTS;

/** What it does to the money where that still has to be done: `credit` once ever, `let_go` of what is held, `take_back` what was credited. */
export type BatchEffect = 'none' | 'credit' | 'let_go' | 'take_back';

export const BATCH_EVENTS = [
  'instant-payout-batch-assigned', 'instant-payout-batch-confirmed', 'instant-payout-batch-reassigned',
  'instant-payout-batch-completed', 'instant-payout-batch-status-update', 'instant-payout-batch-late-proof',
] as const; // biome-ignore format: a list
export type BatchEvent = (typeof BATCH_EVENTS)[number];

type Edge = MachineEdge<BatchState, BatchFact, BatchEffect, BatchEvent>;

const edge = (from: BatchState, fact: BatchFact, to: BatchState, effect: BatchEffect, event: BatchEvent): Edge => ({
  from,
  fact,
  to,
  effect,
  event,
});

const PROVEN = ['proof_submitted', 'sys_confirmed', 'disputed'] as const;

export const BATCH = defineMachine({
  states: BATCH_STATES,
  facts: BATCH_FACTS,
  edges: [
    edge('unassigned', 'assigned', 'assigned', 'none', 'instant-payout-batch-assigned'),
    edge('reassigned', 'assigned', 'assigned', 'none', 'instant-payout-batch-assigned'),
    edge('assigned', 'expired', 'reassigned', 'none', 'instant-payout-batch-reassigned'),
    edge('assigned', 'taken_back', 'reassigned', 'none', 'instant-payout-batch-reassigned'),
    edge('assigned', 'unfilled', 'cancelled', 'let_go', 'instant-payout-batch-status-update'),
    edge('unassigned', 'closed', 'cancelled', 'let_go', 'instant-payout-batch-status-update'),
    edge('reassigned', 'closed', 'cancelled', 'let_go', 'instant-payout-batch-status-update'),
    edge('assigned', 'proved', 'proof_submitted', 'none', 'instant-payout-batch-status-update'),
    edge('reassigned', 'proved', 'proof_submitted', 'none', 'instant-payout-batch-status-update'), // late, and still free
    edge('proof_submitted', 'verified', 'sys_confirmed', 'none', 'instant-payout-batch-status-update'),
    edge('proof_submitted', 'completed', 'sys_confirmed', 'credit', 'instant-payout-batch-completed'),
    edge('sys_confirmed', 'unconfirmed', 'sys_confirmed', 'none', 'instant-payout-batch-status-update'),
    edge('proof_submitted', 'disputed', 'disputed', 'none', 'instant-payout-batch-status-update'),
    edge('sys_confirmed', 'disputed', 'disputed', 'none', 'instant-payout-batch-status-update'),
    ...PROVEN.flatMap((state) => [
      edge(state, 'confirmed', 'confirmed', 'credit', 'instant-payout-batch-confirmed'),
      edge(state, 'approved', 'admin_approved', 'credit', 'instant-payout-batch-confirmed'),
      edge(state, 'rejected', 'rejected', 'take_back', 'instant-payout-batch-status-update'),
    ]),
    edge('cancelled', 'proved_late', 'late_proof', 'none', 'instant-payout-batch-late-proof'),
    edge('late_proof', 'proved_late', 'late_proof', 'none', 'instant-payout-batch-late-proof'),
    edge('late_proof', 'late_decided', 'cancelled', 'none', 'instant-payout-batch-status-update'),
  ],
  sql: {
    source: 'src/instant/rules/batchMachine.ts',
    file: 'prisma/functions/instant/instant_batch_edges.sql',
    edges: 'instant_batch_edges',
    origin: 'instant_batch_fact_origin',
    flags: { final: 'instant_batch_final', free: 'instant_batch_free', proven: 'instant_batch_proven' },
  },
});
