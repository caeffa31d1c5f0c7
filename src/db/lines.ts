/**
 * Calls about one subject lock the same row, so that they are done one after the other however many connections wait for it. Here
 * they wait in memory instead, but for a few: whoever holds up a market, a game or a user holds up nobody else's reads.
 */
import { Away } from '../net/away.ts';

/** As long as a call waits for a connection at most (connectionTimeoutMillis in pool.ts): beyond it 503 is the honest answer. */
const PATIENCE_MS = 5_000;

/** Whoever comes later would not have his turn in time: at one after the other, some 200 a second are done on a slow machine. */
const MOST_WAITING = 1_000;

/** Of the pool's 16 four: the next one is there when a row is let go, and three subjects that are held up at once leave room for all others. */
const PART_OF_THE_POOL = 4;

export interface LineOptions {
  /** Of the pool that the calls are made on. */
  readonly connections: number;
  readonly patienceMs?: number;
  /** For one subject. */
  readonly mostWaiting?: number;
}

/** A merchant in one mode: nobody stands in another's line, whatever ids are said. */
interface Tenant {
  readonly merchantId: string;
  readonly mode: string;
}

/**
 * Does the work when its turn has come for each subject. They are to be named in the order in which the call locks them: a call then
 * holds up no more than its locks would, and no two wait for each other.
 * @throws LineTooLong where that does not come in time: nothing was done.
 */
export type InLine = <T>(tenant: Tenant, subjects: readonly string[], work: () => Promise<T>) => Promise<T>;

export class LineTooLong extends Away {
  readonly what: string;
  constructor(subject: string) {
    super(`too many calls wait for ${subject}`);
    this.what = `The ${subject}, of which much is asked at once,`;
  }
}

interface Line {
  /** Calls that are being made. */
  busy: number;
  /** Whose turn comes next, in the order in which they came. */
  readonly waiting: Set<() => void>;
}

export function createLines({ connections, patienceMs = PATIENCE_MS, mostWaiting = MOST_WAITING }: LineOptions): InLine {
  const atOnce = Math.max(1, Math.floor(connections / PART_OF_THE_POOL));
  const lines = new Map<string, Line>();

  async function enter(name: string, subject: string, untilMs: number): Promise<void> {
    const line = lines.get(name) ?? { busy: 0, waiting: new Set() };
    lines.set(name, line);
    if (line.busy < atOnce) {
      line.busy += 1;
      return;
    }
    if (line.waiting.size >= mostWaiting) throw new LineTooLong(subject);
    await new Promise<void>((resolve, reject) => {
      const goOn = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        line.waiting.delete(goOn);
        reject(new LineTooLong(subject));
      }, untilMs - performance.now());
      line.waiting.add(goOn);
    });
  }

  function leave(name: string): void {
    const line = lines.get(name);
    if (!line) return;
    const [next] = line.waiting;
    if (next) {
      line.waiting.delete(next); // it takes this place
      next();
      return;
    }
    line.busy -= 1;
    if (line.busy === 0) lines.delete(name);
  }

  async function inLine<T>(tenant: Tenant, subjects: readonly string[], work: () => Promise<T>, untilMs: number): Promise<T> {
    const [subject, ...others] = subjects;
    if (subject === undefined) return await work();
    const name = `${tenant.merchantId} ${tenant.mode} ${subject}`;
    await enter(name, subject, untilMs);
    try {
      return await inLine(tenant, others, work, untilMs);
    } finally {
      leave(name);
    }
  }

  return async (tenant, subjects, work) => await inLine(tenant, subjects, work, performance.now() + patienceMs);
}
