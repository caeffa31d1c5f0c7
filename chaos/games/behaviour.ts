/** How merchants, their users and our admins may behave towards one game, as data; and what its players have in the end. */
import type { GameState } from '../../src/games/rules/machine.ts';
import { sharesOf } from '../../src/games/rules/payouts.ts';
import { GAME_TYPES } from '../../src/games/rules/types.ts';
import type { Behaviour, Step } from '../scenario.ts';

export type GameEnd = 'SETTLED' | 'PARTLY_SETTLED' | 'VOIDED';

/** What somebody does to a game (deeds.ts). */
export type GameDeed =
  | 'bet'
  | 'complete'
  | 'complete_as_said'
  | 'complete_and_void'
  | 'race'
  | 'dispute'
  | 'freeze'
  | 'thaw'
  | 'retry'
  | 'spend'
  | 'void';

export interface GameStep extends Step {
  readonly when: GameState;
  readonly does: GameDeed;
  readonly refused?: GameEnd;
}

export interface GameBehaviour extends Behaviour {
  readonly steps: readonly GameStep[];
  readonly ends: GameEnd;
  readonly undoes?: readonly (readonly [from: GameEnd, to?: GameEnd])[];
  /** Whether an operator is asked to look in the end; where it is not said, either will do. */
  readonly needsOperator?: boolean;
}

/** A player of each game: what is bet, in minor units, and on what. The last one is who may be frozen. */
export const PLAYERS = [
  { andar: 10_000n },
  { bahar: 5_000n },
  { andar: 3_000n, bahar: 4_000n },
  { bahar: 2_500n },
  { andar: 6_000n },
] as const satisfies readonly Readonly<Record<string, bigint>>[];

/** With what each came. */
export const PURSE = 20_000n;

const BET: GameStep = { when: 'OPEN', does: 'bet' };
const COMPLETE: GameStep = { when: 'OPEN', does: 'complete' };
const FREEZE: GameStep = { when: 'OPEN', does: 'freeze' };

export const BEHAVIOURS: readonly GameBehaviour[] = [
  { name: 'settled', steps: [BET, COMPLETE], ends: 'SETTLED', needsOperator: false },
  /** Five programs of the merchant's say who won, and not the same. */
  { name: 'raced', steps: [BET, { when: 'OPEN', does: 'race' }], ends: 'SETTLED' },
  /** Said again otherwise, when all are paid. */
  { name: 'disputed', steps: [BET, COMPLETE, { when: 'SETTLED', does: 'dispute' }], ends: 'SETTLED', needsOperator: true },
  { name: 'said', steps: [BET, { when: 'OPEN', does: 'complete_as_said' }], ends: 'SETTLED', needsOperator: false },
  { name: 'in_part', steps: [BET, FREEZE, COMPLETE], ends: 'PARTLY_SETTLED', needsOperator: true },
  {
    name: 'retried',
    steps: [BET, FREEZE, COMPLETE, { when: 'PARTLY_SETTLED', does: 'thaw' }, { when: 'PARTLY_SETTLED', does: 'retry' }],
    ends: 'SETTLED',
    undoes: [['PARTLY_SETTLED']],
    needsOperator: false,
  },
  { name: 'voided_open', steps: [BET, { when: 'OPEN', does: 'void' }], ends: 'VOIDED', needsOperator: false },
  { name: 'voided_at_once', steps: [BET, { when: 'OPEN', does: 'complete_and_void' }], ends: 'VOIDED', undoes: [['SETTLED']] },
  {
    name: 'voided_between',
    steps: [BET, COMPLETE, { when: 'SETTLING', does: 'void', refused: 'SETTLED' }],
    ends: 'VOIDED',
    undoes: [['SETTLED']],
    needsOperator: false,
  },
  {
    name: 'voided_later',
    steps: [BET, COMPLETE, { when: 'SETTLED', does: 'void' }],
    ends: 'VOIDED',
    undoes: [['SETTLED']],
    needsOperator: false,
  },
  /** The win is spent before it is taken back. */
  {
    name: 'voided_too_late',
    steps: [BET, COMPLETE, { when: 'SETTLED', does: 'spend' }, { when: 'SETTLED', does: 'void' }],
    ends: 'VOIDED',
    undoes: [['SETTLED']],
    needsOperator: false,
  },
];

/** What a report of `complete_as_said` names: less than the multipliers for one winner, nothing for the others. */
export const SAID: ReadonlyMap<number, bigint> = new Map([[0, 12_345n]]);

export interface Purse {
  readonly available: bigint;
  readonly locked: bigint;
  readonly debt: bigint;
}

export interface Outcome {
  readonly purses: readonly Purse[];
  readonly stakes: readonly bigint[];
  /** What the bank has more, or less, than before. */
  readonly bank: bigint;
  /** Of it held for players who could not be settled. */
  readonly held: bigint;
  /** Who was settled, and how each was told of it. */
  readonly settled: readonly (undefined | { readonly result: 'win' | 'lose'; readonly amount: bigint })[];
}

/** What everybody must have in the end. */
export function outcomeOf({ name }: GameBehaviour, ends: string, winner: string): Outcome {
  const bets = PLAYERS.flatMap((stakes, nth) =>
    Object.entries(stakes).map(([side, amountMinor]) => ({ userId: String(nth), side, amountMinor })),
  );
  const said = new Map([...SAID].map(([nth, amount]) => [String(nth), amount]));
  const shares = [...sharesOf(bets, GAME_TYPES.andar_bahar.sides, winner, name === 'said' ? said : undefined).values()];
  const isVoid = ends === 'VOIDED';
  let [bank, held] = [0n, 0n];
  const purses: Purse[] = [];
  const settled: Outcome['settled'][number][] = [];
  for (const [nth, { stakeMinor, stakeWonMinor, payoutMinor }] of shares.entries()) {
    const isLeft = ends === 'PARTLY_SETTLED' && nth === PLAYERS.length - 1;
    const gain = payoutMinor - stakeMinor;
    settled.push(isLeft ? undefined : { result: stakeWonMinor > 0n ? 'win' : 'lose', amount: payoutMinor });
    if (isLeft) {
      held += payoutMinor > stakeWonMinor ? payoutMinor - stakeWonMinor : 0n;
      purses.push({ available: PURSE - stakeMinor, locked: stakeMinor, debt: 0n });
    } else if (isVoid && name === 'voided_too_late' && nth === 0) {
      // All was spent: of what is to be given back only the stake is there.
      const owed = payoutMinor > stakeMinor ? payoutMinor - stakeMinor : 0n;
      bank -= owed;
      purses.push({ available: 0n, locked: 0n, debt: owed });
    } else {
      bank -= isVoid ? 0n : gain;
      purses.push({ available: PURSE + (isVoid ? 0n : gain), locked: 0n, debt: 0n });
    }
  }
  return { purses, stakes: shares.map(({ stakeMinor }) => stakeMinor), bank, held, settled };
}
