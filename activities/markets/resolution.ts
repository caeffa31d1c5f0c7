/**
 * The long steps of a resolution: fixing who gets what, paying the users of a market or taking it back, and verifying. Chunk by
 * chunk, each a transaction, with all that was done intact whoever dies; what cannot be done stops for an operator. There is no
 * other way of paying to fall back on: two ways would be two chances to pay twice.
 */
import { log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { longRead } from '../../src/db/longRead.ts';
import { type Failpoint, failpoint } from '../../src/failpoints.ts';
import {
  coverMarket,
  endPaying,
  endRollback,
  failUser,
  findCut,
  planResolution,
  stopResolution,
  usersLeft,
  walkUsers,
} from '../../src/ledger/distributions.ts';
import type { ResolutionStanding } from '../../src/markets/rules/contract.ts';
import { type Phase, type ResolutionWatch, UNWATCHED } from '../../src/markets/rules/watch.ts';
import { whileBeating } from '../beating.ts';
import { codeOf, walk } from '../walk.ts';
import { orStop } from './orStop.ts';
import { readStanding } from './standing.ts';
import { verifyResolution } from './verification.ts';

/** Users a chunk, at most: an entry, a distribution, an event and their statistics each, in some 100 ms where nothing else is to be done; where it is slower, fewer (walk.ts). */
const CHUNK = 500;

/** So long a turn goes on: its workflow then says how far it is, and other markets have theirs. */
const TURN_MS = 10_000;

/** Several within the heartbeat timeout of 10 s, whatever a chunk takes. */
const BEAT_MS = 2_000;

/** The cut of a market of millions is one pass over its positions, sorted, and a few users may have staked millions of times: some seconds a million. */
const LONGEST_READ_MS = 300_000;

export interface ResolutionPorts {
  readonly pool: Pool;
  /** After each step: events were written, and what they send is due. */
  readonly onWritten?: () => void;
  /** Users a chunk. */
  readonly chunk?: number;
  readonly turnMs?: number;
  readonly watch?: ResolutionWatch;
}

export type ResolutionActivities = ReturnType<typeof createResolutionActivities>;

interface Of {
  readonly resolutionId: string;
  readonly marketId: string;
}

type WalkStep = Parameters<typeof walkUsers>[1];

/** Where a kill must do no harm. */
const PLACES: Readonly<
  Record<WalkStep, { readonly before: Failpoint; readonly after: Failpoint; readonly phase: 'pay' | 'roll_back' }>
> = {
  pay_users: { before: 'market_chunk.before', after: 'market_chunk.after', phase: 'pay' },
  unpay_users: { before: 'market_undo.before', after: 'market_undo.after', phase: 'roll_back' },
};

export function createResolutionActivities({
  pool,
  onWritten = () => undefined,
  chunk = CHUNK,
  turnMs = TURN_MS,
  watch = UNWATCHED,
}: ResolutionPorts) {
  /** Counts what goes wrong in it, whoever then deals with that. */
  async function counted<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      watch.error(phase, typeof code === 'string' ? code : 'error');
      throw error;
    }
  }

  async function timed<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const beganMs = performance.now();
    try {
      return await work();
    } finally {
      watch.phase(phase, performance.now() - beganMs);
    }
  }

  const ending = (phase: 'end' | 'end_rollback', end: () => Promise<{ readonly outcome: string }>): Promise<void> =>
    timed(phase, async () => {
      const answer = await counted(phase, end);
      if (answer.outcome === 'stopped') watch.error(phase, 'stopped');
      mustNotLeave(answer);
    });

  /** @returns whether nobody is left. Paused, it leaves them as they are: a later run takes them up. */
  async function walkFor(step: WalkStep, { resolutionId, marketId }: Of, onUsers: (count: number) => void): Promise<boolean> {
    const beganMs = performance.now();
    const { phase } = PLACES[step];
    let isHeld = false; // by a decision, or by a pause: the answer says how it stands
    const isDone = await walk({
      about: { resolutionId },
      step: chunk,
      left: (after, most) => usersLeft(pool, resolutionId, after, most),
      async call(users) {
        await failpoint(PLACES[step].before, marketId);
        const chunkMs = performance.now();
        const answer = await counted(phase, () => walkUsers(pool, step, resolutionId, users));
        watch.chunk(phase, users.length, performance.now() - chunkMs);
        if (answer.failed) watch.error(phase, 'user_failed', answer.failed);
        await failpoint(PLACES[step].after, marketId);
        onWritten();
        isHeld ||= answer.outcome !== 'done';
        onUsers(users.length);
        return answer;
      },
      async fail(user) {
        watch.error(phase, 'user_failed');
        await failUser(pool, resolutionId, user, 'internal_error');
      },
      isOver: () => isHeld || performance.now() - beganMs >= turnMs,
    });
    return isDone && !isHeld;
  }

  /**
   * Nobody is left: was everybody paid what the commitments come to? Those who could not be paid, and what a user or a
   * merchant cannot take now, an operator is told of first.
   */
  async function finish({ resolutionId, marketId }: Of, onVerified: (users: number) => void): Promise<void> {
    const { state, users, paidUsers } = await readStanding(pool, resolutionId);
    if (state !== 'PAYING') return;
    if (paidUsers !== users) return await ending('end', () => endPaying(pool, resolutionId, {}));
    await failpoint('market_verify.before', marketId);
    const verifying = () => longRead(pool, LONGEST_READ_MS, (sql) => verifyResolution(sql, resolutionId, onVerified));
    const verification = await timed('verify', () => counted('verify', verifying));
    if (verification.ok) {
      await ending('end', () => endPaying(pool, resolutionId, verification));
      return await failpoint('market_end.after', marketId);
    }
    const faults = verification.faults.map(({ fault, count }) => `${fault} (${count})`).join(', ');
    // A worker that was taken for dead may have ended it meanwhile: then the pool is empty, as it should be.
    if ((await stopResolution(pool, resolutionId, `verification: ${faults}`)).outcome === 'elsewhere') return;
    watch.error('verify', 'stopped');
    log.error('a market was not paid as it should have been', { resolutionId, faults });
  }

  async function stepping(phase: Phase, resolutionId: string, work: () => Promise<void>): Promise<ResolutionStanding> {
    if (await orStop(pool, resolutionId, work)) watch.error(phase, 'stopped');
    onWritten();
    return await readStanding(pool, resolutionId);
  }

  return {
    planResolution: ({ resolutionId, marketId }: Of): Promise<ResolutionStanding> =>
      whileBeating(BEAT_MS, () =>
        stepping('plan', resolutionId, () =>
          timed('plan', () =>
            counted('plan', async () => {
              if ((await coverMarket(pool, resolutionId)).outcome !== 'whole') return;
              const found = await longRead(pool, LONGEST_READ_MS, (sql) => findCut(sql, resolutionId));
              await failpoint('market_plan.before', marketId);
              await planResolution(pool, resolutionId, found);
              await failpoint('market_plan.after', marketId);
            }),
          ),
        ),
      ),

    async payUsers(of: Of): Promise<ResolutionStanding> {
      const progress = { paid: 0, verified: 0 };
      const pay = async (): Promise<void> => {
        const isDone = await timed('pay', () =>
          walkFor('pay_users', of, (count) => {
            progress.paid += count;
          }),
        );
        if (!isDone) return;
        await finish(of, (users) => {
          progress.verified = users;
        });
      };
      return await whileBeating(
        BEAT_MS,
        () => stepping('pay', of.resolutionId, pay),
        () => progress,
      );
    },

    async rollUsersBack(of: Of): Promise<ResolutionStanding> {
      const progress = { undone: 0 };
      const rollBack = async (): Promise<void> => {
        const isDone = await timed('roll_back', () =>
          walkFor('unpay_users', of, (count) => {
            progress.undone += count;
          }),
        );
        if (!isDone) return;
        await ending('end_rollback', () => endRollback(pool, of.resolutionId));
        await failpoint('market_undone.after', of.marketId);
      };
      return await whileBeating(
        BEAT_MS,
        () => stepping('roll_back', of.resolutionId, rollBack),
        () => progress,
      );
    },
  };
}

/** Users are left, and none was found: asked again at once it would be the same for ever. Tried again, it shows in the Temporal UI. */
function mustNotLeave({ outcome }: { readonly outcome: string }): void {
  if (outcome === 'more') throw new Error('users are left whom no walk finds');
}
