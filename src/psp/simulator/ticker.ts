/** Does the book's timed work again and again: what is due stands in the database, this only looks. */

/** Longest sleep: another process may have put something due into the database. */
const LONGEST_SLEEP_MS = 1000;
/** Shortest: under load, work is taken in batches instead of row by row. */
const SHORTEST_SLEEP_MS = 50;

export interface Ticker {
  /** Something becomes due in so many milliseconds. */
  expect(inMs: number): void;
  stop(): Promise<void>;
}

/** `turn` does what is due and says in how many milliseconds the next thing is. An error waits for the next turn. */
export function startTicker(turn: () => Promise<number>, onError: (error: unknown) => void): Ticker {
  let stopped = false;
  let wakeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  const sleep = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, Math.max(SHORTEST_SLEEP_MS, wakeAt - Date.now()));
    });

  async function run(): Promise<void> {
    while (!stopped) {
      wakeAt = Date.now() + LONGEST_SLEEP_MS;
      try {
        const nextInMs = await turn();
        wakeAt = Math.min(wakeAt, Date.now() + nextInMs);
      } catch (error) {
        onError(error);
      }
      if (!stopped) await sleep();
      clearTimeout(timer);
    }
  }

  const running = run();
  return {
    expect(inMs) {
      const at = Date.now() + inMs;
      if (at >= wakeAt) return;
      wakeAt = at;
      if (!wake) return;
      clearTimeout(timer);
      timer = setTimeout(wake, Math.max(SHORTEST_SLEEP_MS, inMs));
    },
    async stop() {
      stopped = true;
      wake?.();
      await running;
    },
  };
}
