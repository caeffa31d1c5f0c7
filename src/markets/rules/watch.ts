/** What is told of a resolution's work while it is done, to whoever measures it. Pure. */

/** What a resolution's activity does, in the order in which it comes. */
export const PHASES = ['plan', 'pay', 'verify', 'end', 'roll_back', 'end_rollback'] as const;
export type Phase = (typeof PHASES)[number];

export const CHUNKS = ['pay', 'roll_back'] as const;

export interface ResolutionWatch {
  /** A phase, or a turn of one that goes on in turns, is over. */
  phase(phase: Phase, tookMs: number): void;
  /** One transaction over some users. */
  chunk(phase: (typeof CHUNKS)[number], users: number, tookMs: number): void;
  /** `code`: what the database calls it; `user_failed`: of one who could not be paid or undone; `stopped`: an operator is told. */
  error(phase: Phase, code: string, count?: number): void;
}

/** Counted by whoever does not listen. */
export const UNWATCHED: ResolutionWatch = { phase: () => undefined, chunk: () => undefined, error: () => undefined };
