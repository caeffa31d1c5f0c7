/**
 * One victim killed at one boundary, with subjects of a scenario's every behaviour held there together. Then everything drains, and
 * the oracle is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Crowd, isEnd, watchCrowd } from './crowd.ts';
import type { Held } from './held.ts';
import { judge } from './oracle.ts';
import { untilOrStill } from './patience.ts';
import { seeded, seedOf } from './random.ts';
import type { Behaviour, Boundary, Cast, Finding, Scenario } from './scenario.ts';
import { kill, untilBack, type Victim } from './victims.ts';
import type { World } from './world.ts';

export interface RoundPlan {
  readonly scenario: Scenario;
  readonly boundary: Boundary;
  readonly victim: Victim;
  readonly seed: number;
  /** Of each behaviour. */
  readonly copies: number;
  readonly behaviours: readonly Behaviour[];
}

export interface Cell {
  readonly behaviour: string;
  /** `n/a`: no payout of this behaviour was at the boundary when the victim was killed. */
  readonly outcome: 'passed' | 'failed' | 'n/a';
}

export interface RoundResult {
  readonly plan: RoundPlan;
  readonly cells: readonly Cell[];
  readonly payouts: number;
  /** How many were at the boundary when the victim was killed. */
  readonly reached: number;
  readonly tookMs: number;
  readonly findings: readonly (Finding & { readonly behaviour: string })[];
}

/** Nothing has moved for as long, and nobody has come: then this boundary is not reached. */
const ARRIVES_WITHIN_MS = 25_000;
/** After a payout has ended: its late callback, its webhooks. */
const LINGERS_MS = 2_000;
/** How long whoever came first waits for the others: below 15 s of a local activity or a webhook. */
const HOLD_MS = 10_500;

export async function playRound(world: World, plan: RoundPlan): Promise<RoundResult> {
  const { scenario, boundary, victim } = plan;
  const cast = world.castOf(scenario);
  const startedAt = performance.now();
  const random = seeded(seedOf(plan.seed, `${boundary} ${victim}`));
  const orders = random.shuffle(
    plan.behaviours.flatMap((behaviour) => Array.from({ length: plan.copies }, () => cast.draw(behaviour, random, boundary))),
  );
  const ready = await Promise.all(orders.map((prepare) => prepare()));

  const crowd = watchCrowd(world);
  try {
    const held = holdAt(world, cast, boundary, crowd);
    let unanswered = ready.length;
    const refused: string[] = [];
    for (const order of ready) {
      const answered = crowd.post(cast, order).catch((error: unknown) => void refused.push(String(error)));
      void answered.then(() => {
        unanswered -= 1;
      });
    }
    await untilRipe(held, crowd, ready.length, scenario.boundaries[boundary]?.holdMs ?? HOLD_MS);
    await sleep(random.below(30));
    const reached = new Set(held.reached.keys());
    await kill(world.here, victim);
    held.open();
    await untilBack(world.here, victim);
    if (!(await untilOrStill(() => unanswered === 0, { moves: () => [unanswered, crowd.moves()] }))) {
      refused.push(`${unanswered} payouts were asked for, and nobody answers`);
    }
    await crowd.drain();
    for (const { order } of crowd.made) {
      await world.customers.again(order).catch((error: unknown) => void refused.push(String(error))); // the same answer, byte for byte
    }
    const findings = [
      ...(await judge(world, crowd.made, victim !== 'postgres' && victim !== 'all')),
      ...refused.map((what) => ({ payoutId: null, what })),
    ];
    for (const psp of Object.values(world.books.psps)) await psp.clearFaults();
    return resultOf(plan, crowd, reached, findings, startedAt);
  } finally {
    await crowd.close();
  }
}

/** Where the crowd is held: at a failpoint, in the merchant's server, or in the PSP's book. */
function holdAt(world: World, cast: Cast, boundary: Boundary, crowd: Crowd): Held & { look?(): Promise<void> } {
  const { gate, server } = world;
  const { boundaries, tellsEnd } = cast.scenario;
  const old = new Set(server.received.map(({ payoutId }) => payoutId));
  if (boundary === 'in_webhook') return server.hold(tellsEnd, (id) => !old.has(id));
  if (boundary === 'in_psp_call') {
    const reached = new Map<string, number>();
    return {
      reached,
      open: () => undefined,
      async look() {
        for (const id of (await cast.inPspCall?.(crowd.stageOf)) ?? []) {
          if (!reached.has(id)) reached.set(id, performance.now());
        }
      },
    };
  }
  const hasEnded = async (id: string) => {
    const [seen] = await cast.see([id]);
    return seen !== undefined && isEnd(cast, seen.stage);
  };
  // The housekeeping may ask once more about a payout of an earlier round.
  return gate.arm(boundary, async (part) => {
    const id = (await cast.subjectOf?.(part)) ?? part;
    const isWanted = !old.has(id) && (!boundaries[boundary]?.onlyEnded || (await hasEnded(id)));
    return isWanted ? id : undefined;
  });
}

/** All who can come are there, or the first ones cannot be held any longer. */
async function untilRipe(
  held: Held & { look?(): Promise<void> },
  crowd: Crowd,
  expected: number,
  patienceMs: number,
): Promise<void> {
  let movedAt = performance.now();
  let before = '';
  for (;;) {
    await held.look?.();
    const now = performance.now();
    const after = JSON.stringify(crowd.moves());
    if (after !== before) [before, movedAt] = [after, now];
    const passed = [...crowd.ended].filter(([id, since]) => !held.reached.has(id) && now - since > LINGERS_MS);
    if (held.reached.size + passed.length >= expected) return;
    const first = Math.min(...held.reached.values());
    if (now - first > patienceMs || now - movedAt > ARRIVES_WITHIN_MS) return;
    await sleep(20);
  }
}

function resultOf(
  plan: RoundPlan,
  crowd: Crowd,
  reached: ReadonlySet<string>,
  findings: readonly Finding[],
  startedAt: number,
): RoundResult {
  const behaviourOf = new Map(crowd.made.map(({ id, order }) => [id, order.behaviour.name]));
  const reachedBehaviours = new Set([...reached].map((id) => behaviourOf.get(id)));
  const isWhole = findings.some(({ payoutId }) => payoutId === null);
  const failed = new Set(findings.map(({ payoutId }) => behaviourOf.get(payoutId ?? '')));
  const names = plan.behaviours.map(({ name }) => name);
  return {
    plan,
    cells: names.map((behaviour) => ({
      behaviour,
      outcome: isWhole || failed.has(behaviour) ? 'failed' : reachedBehaviours.has(behaviour) ? 'passed' : 'n/a',
    })),
    payouts: names.length * plan.copies,
    reached: reached.size,
    tookMs: performance.now() - startedAt,
    findings: findings.map((each) => ({ ...each, behaviour: behaviourOf.get(each.payoutId ?? '') ?? 'whole' })),
  };
}
