/**
 * One victim killed at one boundary, with payouts of every behaviour held there together. Then everything drains, and
 * the oracle is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../src/domain/payout/machine.ts';
import { BEHAVIOURS, type Behaviour } from './behaviours.ts';
import { type Boundary, faultsAt, holdMs, holdsOnlyEnded, type Victim } from './boundaries.ts';
import { type Crowd, watchCrowd } from './crowd.ts';
import type { Held } from './held.ts';
import type { Order } from './merchant.ts';
import { type Finding, judge } from './oracle.ts';
import { orderFor, prepare } from './orders.ts';
import { seeded, seedOf } from './random.ts';
import { kill, untilBack } from './victims.ts';
import type { World } from './world.ts';

export interface RoundPlan {
  readonly boundary: Boundary;
  readonly victim: Victim;
  readonly seed: number;
  /** Payouts of each behaviour. */
  readonly copies: number;
  readonly behaviours?: readonly Behaviour[];
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

/** A killed worker is noticed after 10 s without a heartbeat, and a resend waits for the PSP's grace; beyond this it hangs. */
const DRAINED_WITHIN_MS = 120_000;
/** Nobody has come at all: then this boundary is not reached. */
const ARRIVES_WITHIN_MS = 25_000;
/** After a payout has ended: its late callback, its webhooks. */
const LINGERS_MS = 2_000;

export async function playRound(world: World, plan: RoundPlan): Promise<RoundResult> {
  const { boundary, victim } = plan;
  const startedAt = performance.now();
  const random = seeded(seedOf(plan.seed, `${boundary} ${victim}`));
  const behaviours = plan.behaviours ?? BEHAVIOURS;
  const orders = random.shuffle(
    behaviours.flatMap((behaviour) => Array.from({ length: plan.copies }, () => orderFor(behaviour, random, world.server.url))),
  );
  for (const order of orders) await prepare(world.books, order, faultsAt(boundary));

  const crowd = watchCrowd(world);
  try {
    const held = holdAt(world, boundary, crowd);
    const posts = orders.map((order) => crowd.post(order));
    const posted = Promise.allSettled(posts);
    await untilRipe(held, crowd, orders.length, holdMs(boundary));
    await sleep(random.below(30));
    const reached = new Set(held.reached.keys());
    await kill(world.here, victim);
    held.open();
    await untilBack(world.here, victim);
    const refused = (await posted).flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []));
    await crowd.drain(DRAINED_WITHIN_MS);
    for (const { order } of crowd.made) await world.merchant.post(order); // the same answer, byte for byte
    const findings = [
      ...(await judge(world, crowd.made, victim !== 'postgres' && victim !== 'all')),
      ...refused.map((what) => ({ payoutId: null, what })),
    ];
    await world.books.clearFaults();
    return resultOf(plan, orders, crowd, reached, findings, startedAt);
  } finally {
    await crowd.close();
  }
}

/** Where the crowd is held: at a failpoint, in the merchant's server, or in the PSP's book. */
function holdAt(world: World, boundary: Boundary, crowd: Crowd): Held & { look?(): Promise<void> } {
  const { books, gate, server } = world;
  const old = new Set(server.received.map(({ payoutId }) => payoutId));
  if (boundary === 'in_webhook') return server.hold((payoutId) => !old.has(payoutId));
  if (boundary === 'in_psp_call') {
    const reached = new Map<string, number>();
    return {
      reached,
      open: () => undefined,
      async look() {
        const taken = await books.transfers();
        const states = crowd.states();
        for (const { reference } of taken) {
          const id = reference.split(':')[0] ?? '';
          if (states.get(id) === 'SUBMITTING' && !reached.has(id)) reached.set(id, performance.now());
        }
      },
    };
  }
  const isEnded = async (id: string) => {
    const state = (await books.states([id])).get(id);
    return state !== undefined && isFinal(state);
  };
  return gate.arm(boundary, holdsOnlyEnded(boundary) ? isEnded : async () => true);
}

/** All who can come are there, or the first ones cannot be held any longer. */
async function untilRipe(
  held: Held & { look?(): Promise<void> },
  crowd: Crowd,
  expected: number,
  patienceMs: number,
): Promise<void> {
  const deadline = performance.now() + ARRIVES_WITHIN_MS;
  for (;;) {
    await held.look?.();
    const now = performance.now();
    const passed = [...crowd.ended].filter(([id, since]) => !held.reached.has(id) && now - since > LINGERS_MS);
    if (held.reached.size + passed.length >= expected) return;
    const first = Math.min(...held.reached.values());
    if (now - first > patienceMs || now > deadline) return;
    await sleep(20);
  }
}

function resultOf(
  plan: RoundPlan,
  orders: readonly Order[],
  crowd: Crowd,
  reached: ReadonlySet<string>,
  findings: readonly Finding[],
  startedAt: number,
): RoundResult {
  const behaviourOf = new Map(crowd.made.map(({ id, order }) => [id, order.behaviour.name]));
  const reachedBehaviours = new Set([...reached].map((id) => behaviourOf.get(id)));
  const isWhole = findings.some(({ payoutId }) => payoutId === null);
  const failed = new Set(findings.map(({ payoutId }) => behaviourOf.get(payoutId ?? '')));
  const names = [...new Set((plan.behaviours ?? BEHAVIOURS).map(({ name }) => name))];
  return {
    plan,
    cells: names.map((behaviour) => ({
      behaviour,
      outcome: isWhole || failed.has(behaviour) ? 'failed' : reachedBehaviours.has(behaviour) ? 'passed' : 'n/a',
    })),
    payouts: orders.length,
    reached: reached.size,
    tookMs: performance.now() - startedAt,
    findings: findings.map((each) => ({ ...each, behaviour: behaviourOf.get(each.payoutId ?? '') ?? 'whole' })),
  };
}
