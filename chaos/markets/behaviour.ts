/** One way in which people act towards a market, and how it must end whoever is killed meanwhile. */
import type { ResolutionState } from '../../src/markets/rules/machine.ts';
import type { Behaviour, Step } from '../scenario.ts';

/** Where a market is: before it is resolved, or where its newest resolution is. `VOIDED`: completed, with every stake back. */
export type MarketStage = 'OPEN' | 'VOIDED' | ResolutionState;

export type MarketDeed = 'resolve' | 'resolve_at_once' | 'dispute' | 'uphold' | 'overturn' | 'rollback';

export interface MarketStep extends Step {
  readonly when: MarketStage;
  readonly does: MarketDeed;
  /** Of resolve and overturn. */
  readonly outcome?: string;
}

export interface MarketBehaviour extends Behaviour {
  readonly steps: readonly MarketStep[];
  /** In which it may be disputed; long enough for a step where there is one. */
  readonly windowSeconds: number;
}

const resolve = { when: 'OPEN', does: 'resolve', outcome: 'yes' } as const satisfies MarketStep;

/** Whoever is to come within it may be held while somebody is killed: then it is too late, and paid as it was first said. */
const WINDOW_S = 20;
const dispute = { when: 'DISPUTE_WINDOW', does: 'dispute', refused: 'COMPLETED' } as const satisfies MarketStep;

/** Resolved, and taken back: its merchant may see either, one after the other. */
const undoes = [['COMPLETED'], ['ROLLED_BACK']] as const;

export const BEHAVIOURS: readonly MarketBehaviour[] = [
  { name: 'paid', steps: [resolve], windowSeconds: 0, ends: 'COMPLETED' },
  { name: 'voided', steps: [{ ...resolve, outcome: 'void' }], windowSeconds: 0, ends: 'VOIDED' },
  { name: 'two_admins', steps: [{ ...resolve, does: 'resolve_at_once' }], windowSeconds: 0, ends: 'COMPLETED' },
  {
    name: 'upheld',
    steps: [resolve, dispute, { when: 'DISPUTED', does: 'uphold' }],
    windowSeconds: WINDOW_S,
    ends: 'COMPLETED',
  },
  {
    name: 'overturned',
    steps: [{ ...resolve, outcome: 'no' }, dispute, { when: 'DISPUTED', does: 'overturn', outcome: 'yes' }],
    windowSeconds: WINDOW_S,
    ends: 'COMPLETED',
  },
  {
    name: 'rolled_back',
    steps: [resolve, { when: 'COMPLETED', does: 'rollback' }],
    windowSeconds: 0,
    ends: 'ROLLED_BACK',
    undoes,
  },
  {
    name: 'resolved_again',
    steps: [
      resolve,
      { when: 'COMPLETED', attempt: 1, does: 'rollback' },
      { when: 'ROLLED_BACK', attempt: 1, does: 'resolve', outcome: 'no' },
    ],
    windowSeconds: 0,
    ends: 'COMPLETED',
    undoes,
  },
];
