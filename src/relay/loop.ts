/**
 * A loop over rows that are due. What is due stands in the database; a wake is a hint, and a turn without one costs one query.
 * A turn takes up what it has room for and does not wait for it, so that one slow receiver holds up nobody.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Work {
  readonly name: string;
  /**
   * Writes down what has ended, and takes up what is due and has room.
   * @returns in how many ms to look again at the latest.
   */
  turn(): Promise<number>;
  /** Begins nothing more, gives up what is under way after a moment, and writes down what is known. */
  end(): Promise<void>;
}

/** Rung by whoever may have made work. */
export interface Bell {
  ring(): void;
  /** Resolves with the next ring. */
  rung(): Promise<void>;
}

export interface Turning {
  readonly bell: Bell;
  /** Ends it. */
  readonly stopped: AbortSignal;
  /** After each turn, also one that failed: this loop does not hang. */
  readonly onTurn: () => void;
  readonly onError: (error: unknown) => void;
}

/** Nobody rings for what becomes due by the clock, and a ring may be lost: with this, nothing waits for long. */
const LOOK_AGAIN_MS = 1_000;

/** Between the beginnings of two turns: what comes within it is one turn's work, so that a busy loop costs some twenty queries a second. */
const GAP_MS = 50;

/** Turns until it is stopped. A turn that fails, because the database is away for one, is tried again in a second. */
export async function keepTurning(work: Work, { bell, stopped, onTurn, onError }: Turning): Promise<void> {
  while (!stopped.aborted) {
    const rung = bell.rung(); // before the turn: what is made during it may not have been seen
    const gap = sleep(GAP_MS, undefined, { signal: stopped }).catch(() => undefined);
    let waitMs = LOOK_AGAIN_MS;
    try {
      waitMs = Math.min(await work.turn(), LOOK_AGAIN_MS);
    } catch (error) {
      onError(error);
    }
    onTurn();
    await waitFor(rung, waitMs, stopped);
    await gap;
  }
  await work.end();
}

async function waitFor(rung: Promise<void>, waitMs: number, stopped: AbortSignal): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([stopped, over.signal]);
  await Promise.race([rung, sleep(Math.max(0, waitMs), undefined, { signal }).catch(() => undefined)]);
  over.abort();
}

export function createBell(): Bell {
  let listeners: (() => void)[] = [];
  return {
    ring() {
      for (const heard of listeners.splice(0)) heard();
      listeners = [];
    },
    rung: () => new Promise((resolve) => listeners.push(resolve)),
  };
}
