/** What an explanation is made from, of whatever flow. The owner is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { type StoryOwner, storyOf } from '../events/story.ts';
import { moneyOf } from '../ledger/subjectMoney.ts';
import { isPaused } from '../pauses/reads.ts';
import type { PayoutTimes } from '../payouts/rules/contract.ts';
import type { Told } from '../rules/explain.ts';
import { isId } from '../rules/ids.ts';
import type { ExplainedFlow } from './flows.ts';

export interface ExplainPorts {
  readonly pool: Sql;
  readonly times: PayoutTimes;
  /** When the next run of provider payouts comes; null: none does, or nobody says. */
  readonly nextRunAt: () => Promise<string | null>;
}

export interface Asked {
  readonly id: string;
  /** Undefined: anybody's, for operators. */
  readonly owner: StoryOwner | undefined;
  /** An earlier time; undefined: now. */
  readonly at: string | undefined;
}

/** Undefined: there is none, it is somebody else's, or it was not there yet. */
export async function toldOf(
  { pool, times, nextRunAt }: ExplainPorts,
  { subject, prefix, unheard, waitsForRun, pausedAs, knowsItsMoney }: ExplainedFlow,
  { id, owner, at }: Asked,
): Promise<Told<never> | undefined> {
  if (!isId(prefix, id)) return undefined;
  const nowMs = at === undefined ? Date.now() : Date.parse(at);
  const story = await storyOf<never>(pool, { kind: subject, id }, owner, at);
  if (story) {
    const money = knowsItsMoney ? [] : await moneyOf(pool, subject, id, at);
    // When a run would have come is not kept.
    const runAt = at === undefined && waitsForRun?.(story.record) === true ? await nextRunAt() : null;
    const held = at === undefined ? await pausedAs?.(story.record, pool) : undefined;
    const isHeld = held !== undefined && (await isPaused(pool, held.flow, held.merchantId));
    const schedule = { nowMs, times, nextRunAt: runAt };
    return { record: story.record, steps: story.steps, money, schedule, isPaused: isHeld };
  }
  const early = await unheard?.(pool, id, at);
  if (!early || (owner && !isSame(early.owner, owner))) return undefined;
  return { record: early.record, steps: [], money: [], schedule: { nowMs, times, nextRunAt: null } };
}

const isSame = (one: StoryOwner, other: StoryOwner): boolean =>
  one.kind === other.kind && one.id === other.id && one.mode === other.mode;
