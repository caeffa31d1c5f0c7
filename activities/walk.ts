/** Many users of one thing, some at a time, each step a transaction; alone where together does not go. All of it may be done again. */
import { log } from '@temporalio/activity';

export interface Walk {
  /** What they are users of, as the log has it. */
  readonly about: Readonly<Record<string, string>>;
  /** Users a step, at most. */
  readonly step: number;
  /** The next of whom something is left to be done, by their ids. */
  left(after: string, most: number): Promise<readonly string[]>;
  /** Does it for these, all of them or none. `apart`: those who must be done alone. */
  call(users: readonly string[]): Promise<{ readonly apart?: readonly string[] | undefined }>;
  /** Writes down that it could not be done for this one. */
  fail(user: string): Promise<unknown>;
  /** Asked after each step: whoever asks again begins with who is left then. Without it: never. */
  isOver?(): boolean;
}

/** @returns whether it came to the last of them. */
export async function walk({ about, step, left, call, fail, isOver = () => false }: Walk): Promise<boolean> {
  /** One by one: who still fails is written down, and keeps nobody else waiting. */
  async function alone(users: readonly string[]): Promise<void> {
    for (const user of users) {
      try {
        await call([user]);
      } catch (error) {
        if (!isTheirs(error)) throw error;
        log.error('what was to be done for a user could not be', { ...about, userId: user, error: String(error) });
        await fail(user);
      }
    }
  }

  async function together(users: readonly string[]): Promise<void> {
    try {
      const { apart = [] } = await call(users);
      await alone(apart);
    } catch (error) {
      if (!isTheirs(error) && codeOf(error) !== TOO_SLOW) throw error;
      log.warn('users could not be done together', { ...about, users: users.length, error: String(error) });
      await alone(users);
    }
  }

  let size = step;
  for (let after = ''; ; ) {
    const users = await left(after, size);
    const beganMs = performance.now();
    if (users.length > 0) await together(users);
    after = users.at(-1) ?? '';
    if (users.length < size) return true;
    if (isOver()) return false;
    size = nextSize(size, performance.now() - beganMs, step);
  }
}

/**
 * While a transaction writes, whoever follows events waits (src/events/follow.ts): 250 ms at most. Half of that is the aim, so that
 * a step that is slower than the one before still keeps to it.
 */
const AIM_MS = 125;

/** Fewer at once would cost more in round trips and commits than they save. */
const LEAST = 50;

/** How many the next step takes, on a machine on which the last one took so long. */
export function nextSize(size: number, tookMs: number, most: number): number {
  const aimed = Math.floor((size * AIM_MS) / Math.max(tookMs, 1));
  return Math.min(most, Math.max(LEAST, Math.min(aimed, 2 * size)));
}

/** A step that takes longer than a statement may would take as long again: fewer at once do not. */
const TOO_SLOW = '57014';

/**
 * Does the error belong to what was asked, so that others may fare better? What a function raises, and what its data break
 * (classes P0, 22 and 23 of PostgreSQL's codes). Everything else is of the database, of the installation or of the moment, and
 * the whole is tried again.
 */
export function isTheirs(error: unknown): boolean {
  const code = codeOf(error);
  return typeof code === 'string' && /^(P0|22|23)/.test(code);
}

/** What PostgreSQL calls it; undefined: it comes from elsewhere. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
