/** Long chaos: payouts of all scenarios and behaviours at a steady rate, and at random moments somebody is killed. A seed replays the schedule. */
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsAt } from './boundaries.ts';
import { type Crowd, watchCrowd } from './crowd.ts';
import { judge } from './oracle.ts';
import { untilOrStill } from './patience.ts';
import { type Random, seeded, seedOf } from './random.ts';
import type { Finding } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { kill, type Mortal, untilBack } from './victims.ts';
import { openWorld, type World } from './world.ts';

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
const KILLED: readonly Mortal[] = [
  'worker', 'worker', 'worker', 'worker', 'api', 'api', 'temporal', 'postgres', 'sandbox', 'flutterwave', 'all',
]; // biome-ignore format: a list

/** Under way at once: a machine that cannot keep up with the rate is not buried under what it has not done. */
const OPEN_AT_MOST = 200;

/** Ended between two kills, unless the next one is to meet everybody still recovering: or a slow machine would only recover. */
const ENDED_BETWEEN_KILLS = 5;

export async function playLong(plan: LongPlan, say: (line: string) => void): Promise<LongResult> {
  const startedAt = performance.now();
  const world = await openWorld(settingsAt(SCENARIOS), false);
  const crowd = watchCrowd(world);
  let findings: Finding[] = [{ payoutId: null, what: 'it broke off' }];
  try {
    const posting = postAll(world, crowd, plan);
    const kills = await killMeanwhile(world, crowd, { posting, dice: seeded(seedOf(plan.seed, 'kills')), say });
    const refused = await posting.end;
    say(`${crowd.made.length} payouts made, ${crowd.ended.size} ended; nobody is killed any more`);
    await crowd.drain();
    findings = [...(await judge(world, crowd.made, false)), ...refused.map((what) => ({ payoutId: null, what }))];
    const ends: Record<string, number> = {};
    for (const each of crowd.made) ends[each.ends] = (ends[each.ends] ?? 0) + 1;
    return { plan, kills, ends, tookMs: performance.now() - startedAt, findings };
  } finally {
    await crowd.close();
    await world.close(findings.length > 0);
    if (findings.length > 0) say(`its home is left in ${world.here.home}`);
  }
}

interface Posting {
  readonly isOver: boolean;
  /** What was refused, or never answered. */
  readonly end: Promise<readonly string[]>;
}

function postAll(world: World, crowd: Crowd, { payouts, seed, perSecond }: LongPlan): Posting {
  const random = seeded(seedOf(seed, 'payouts'));
  const all = world.casts.flatMap((cast) => cast.scenario.behaviours.map((behaviour) => ({ cast, behaviour })));
  const refused: string[] = [];
  let isOver = false;
  let answered = 0;
  const moves = () => [answered, crowd.moves()];

  async function postOne(): Promise<void> {
    const { cast, behaviour } = random.pick(all);
    const prepare = cast.draw(behaviour, random);
    await prepare()
      .then((order) => crowd.post(cast, order))
      .catch((error: unknown) => void refused.push(String(error)));
    answered += 1;
  }

  async function post(): Promise<readonly string[]> {
    let asked = 0;
    const hasRoom = () => asked - refused.length - crowd.ended.size < OPEN_AT_MOST;
    while (asked < payouts && (await untilOrStill(hasRoom, { moves }))) {
      void postOne();
      asked += 1;
      await sleep(1_000 / perSecond);
    }
    await untilOrStill(() => answered === asked, { moves });
    if (asked < payouts) refused.push(`nothing moved any more after ${asked} payouts`);
    if (answered < asked) refused.push(`${asked - answered} payouts were asked for, and nobody answers`);
    return refused;
  }

  const end = post().finally(() => {
    isOver = true;
  });
  return {
    get isOver() {
      return isOver;
    },
    end,
  };
}

interface Killing {
  readonly posting: Posting;
  readonly dice: Random;
  readonly say: (line: string) => void;
}

/** @returns how often each was killed. */
async function killMeanwhile(world: World, crowd: Crowd, { posting, dice, say }: Killing): Promise<Record<string, number>> {
  const kills: Record<string, number> = {};
  while (!posting.isOver) {
    const endedBefore = crowd.ended.size;
    // One time in four while everybody is still recovering from the last one.
    if (dice.below(4) === 0) await sleep(dice.below(1_000));
    else {
      await sleep(3_000 + dice.below(5_000));
      const hasRecovered = () => posting.isOver || crowd.ended.size >= endedBefore + ENDED_BETWEEN_KILLS;
      await untilOrStill(hasRecovered, { moves: crowd.moves });
    }
    const victim = dice.pick(KILLED);
    say(`${crowd.made.length} payouts made, ${crowd.ended.size} ended; killing ${victim}`);
    await kill(world.here, victim);
    kills[victim] = (kills[victim] ?? 0) + 1;
    await untilBack(world.here, victim);
  }
  return kills;
}
