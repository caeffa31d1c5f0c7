/** Long chaos: payouts of all behaviours at a steady rate, and at random moments somebody is killed. A seed replays the schedule. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BEHAVIOURS } from './behaviours.ts';
import { settingsAt, type Victim } from './boundaries.ts';
import { watchCrowd } from './crowd.ts';
import { type Finding, judge } from './oracle.ts';
import { orderFor, prepare } from './orders.ts';
import { seeded, seedOf } from './random.ts';
import { kill, untilBack } from './victims.ts';
import { openWorld } from './world.ts';

export interface LongPlan {
  readonly payouts: number;
  readonly seed: number;
  readonly perSecond: number;
}

export interface LongResult {
  readonly plan: LongPlan;
  readonly kills: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly tookMs: number;
  readonly findings: readonly Finding[];
}

/** The worker most often: it does the paying. */
const KILLED: readonly (Victim | 'sandbox')[] = [
  'worker',
  'worker',
  'worker',
  'api',
  'api',
  'temporal',
  'postgres',
  'sandbox',
  'all',
];
const DRAINED_WITHIN_MS = 300_000;

export async function playLong(plan: LongPlan, say: (line: string) => void): Promise<LongResult> {
  const startedAt = performance.now();
  const world = await openWorld({ ...settingsAt('settle.before'), ONCEPAY_FAILPOINTS: '' });
  const crowd = watchCrowd(world);
  const kills: Record<string, number> = {};
  const refused: string[] = [];
  let findings: Finding[] = [{ payoutId: null, what: 'it broke off' }];
  try {
    const random = seeded(seedOf(plan.seed, 'payouts'));
    let isPosting = true;
    const posting = (async () => {
      const posts: Promise<void>[] = [];
      for (let count = 0; count < plan.payouts; count += 1) {
        const order = orderFor(random.pick(BEHAVIOURS), random, world.server.url);
        const post = prepare(world.books, order).then(() => crowd.post(order));
        posts.push(post.catch((error: unknown) => void refused.push(String(error))));
        await sleep(1_000 / plan.perSecond);
      }
      await Promise.all(posts);
      isPosting = false;
    })();
    const dice = seeded(seedOf(plan.seed, 'kills'));
    while (isPosting) {
      // One time in four while everybody is still recovering from the last one.
      await sleep(dice.below(4) === 0 ? dice.below(1_000) : 3_000 + dice.below(5_000));
      const victim = dice.pick(KILLED);
      say(`${crowd.made.length} payouts made, ${crowd.ended.size} ended; killing ${victim}`);
      await kill(world.here, victim);
      kills[victim] = (kills[victim] ?? 0) + 1;
      await untilBack(world.here, victim);
    }
    await posting;
    await crowd.drain(DRAINED_WITHIN_MS);
    findings = [...(await judge(world, crowd.made, false)), ...refused.map((what) => ({ payoutId: null, what }))];
    const ends: Record<string, number> = {};
    for (const { order } of crowd.made) ends[order.behaviour.ends] = (ends[order.behaviour.ends] ?? 0) + 1;
    return { plan, kills, ends, tookMs: performance.now() - startedAt, findings };
  } finally {
    await crowd.close();
    await world.close(findings.length > 0);
    if (findings.length > 0) say(`its home is left in ${world.here.home}`);
  }
}
