/** What is said and done next in a walk through a market (marketDeeds.ts). */
import { idOf, personOf } from '../../model/markets/books.ts';
import type { Deciding } from '../../model/markets/decisions.ts';
import { newId } from '../../src/rules/newId.ts';
import { decided, disputing, doubting, freezing, funding, giving, givingBack, judging, type MarketDeed, pausing, resolving, staking, stepsOf, type WalkedMarket } from './marketDeeds.ts'; // biome-ignore format: a list

type Draw = (below: number) => number;
const ADMINS = ['adm_a', 'adm_b', 'adm_c'] as const;
const OUTCOMES = ['yes', 'yes', 'no', 'void'] as const;
const pick = <T>(random: Draw, all: readonly [T, ...T[]]): T => all[random(all.length)] ?? all[0];

/** What a winner has spent is taken back, and its merchant has nothing: a draw alone would seldom come there. */
export const SPENT_AND_TAKEN_BACK: readonly ((world: WalkedMarket) => MarketDeed)[] = [
  (world) => staking(world, 0, 'yes', 60n),
  (world) => staking(world, 1, 'no', 60n),
  (world) => resolving(world, 'adm_a', 'yes'),
  (world) => decided(world, 0, 'adm_b', { kind: 'approve', note: null }, newId('dec')),
  (world) => stepsOf(world, 0, []).passTime,
  (world) => stepsOf(world, 0, []).endWindow,
  (world) => stepsOf(world, 0, []).plan,
  (world) => stepsOf(world, 0, [0, 1]).pay,
  (world) => stepsOf(world, 0, []).endPaying,
  (world) => givingBack(world, 0, personOf(world.twin, idOf(0)).available),
  (world) => giving(world, 3, world.twin.merchant),
  (world) => decided(world, 0, 'adm_b', { kind: 'rollback', reason: 'no' }, newId('dec')),
  (world) => stepsOf(world, 0, [0, 1]).unpay,
  (world) => stepsOf(world, 0, [0]).unpay,
  (world) => stepsOf(world, 0, []).endRollback,
  (world) => resolving(world, 'adm_a', 'no'),
];

/** Half of the deeds bring it on: walks that only draw would seldom come anywhere. */
export function drawDeed(world: WalkedMarket, random: Draw): MarketDeed {
  const { users, ids, twin } = world;
  const newest = ids.length - 1;
  const user = random(users.length);
  const at = users.map((_, each) => each).filter(() => random(3) > 0);
  const said = wordsOf(world, random, user);
  if (newest < 0) return pick(random, [pick(random, said.stakes), pick(random, said.anybodys)]);
  const onward = onwardOf(stepsOf(world, newest, at), said.onNewest, said);
  const state = twin.resolutions[newest]?.state;
  const [first, ...more] = (state && onward[state]) ?? [];
  if (first && random(2) === 0) return pick(random, [first, ...more]);
  const nth = random(5) === 0 ? random(ids.length) : newest;
  const steps = Object.values(stepsOf(world, nth, at));
  const ofIt = [...Object.values(decisionsOn(world, random, nth)), ...steps, ...said.onSingle(nth)];
  const anybodys = [...said.stakes, ...said.anybodys];
  const from = random(5) < 3 ? ofIt : anybodys;
  return from[random(from.length)] ?? said.dispute;
}

type Steps = ReturnType<typeof stepsOf>;
type Words = ReturnType<typeof wordsOf>;
type Decisions = Readonly<Record<Deciding['kind'], MarketDeed>>;

/** What would come next, by itself or by a person's word. */
const onwardOf = (
  step: Steps,
  on: Decisions,
  { dispute, resolve, freeze, givesBack, gets }: Words,
): Readonly<Record<string, readonly MarketDeed[]>> => ({
  IN_REVIEW: [on.approve, on.reject],
  DISPUTE_WINDOW: [dispute, step.passTime, step.endWindow],
  DISPUTED: [on.uphold, on.overturn, dispute],
  PLANNING: [step.plan, step.plan, step.stop],
  PLANNING_STOPPED: [on.retry],
  WAITING_FOR_FUNDS: [step.cover, step.plan],
  PAYING: [step.pay, step.pay, freeze, step.endPaying],
  PAYING_STOPPED: [on.retry, on.rollback],
  COMPLETED: [on.rollback, givesBack, gets],
  ROLLING_BACK: [step.unpay, step.unpay, freeze, gets, step.stop, step.endRollback],
  ROLLING_BACK_STOPPED: [on.retry],
  ROLLED_BACK: [resolve],
  REJECTED: [resolve],
});

function decisionsOn(world: WalkedMarket, random: Draw, nth: number): Decisions {
  const [adminId, reason] = [pick(random, ADMINS), pick(random, ['no', 'never'])];
  const key = random(4) === 0 ? 'said before' : newId('dec');
  const on = (decision: Deciding): MarketDeed => decided(world, nth, adminId, decision, key);
  return {
    approve: on({ kind: 'approve', note: null }),
    reject: on({ kind: 'reject', reason }),
    uphold: on({ kind: 'uphold' }),
    overturn: on({ kind: 'overturn', to: pick(random, OUTCOMES) }),
    rollback: on({ kind: 'rollback', reason }),
    retry: on({ kind: 'retry' }),
  };
}

/** What people say, of the newest resolution or of none. */
function wordsOf(world: WalkedMarket, random: Draw, user: number) {
  const { ids, twin } = world;
  const amount = BigInt(1 + random(60));
  // Often all that there is: whoever has nothing left owes, and covers nothing.
  const orAll = (all: bigint): bigint => (all > 0n && random(2) === 0 ? all : amount);
  const [adminId, reason] = [pick(random, ADMINS), pick(random, ['no', 'never'])];
  const kind = pick(random, ['uphold', 'overturn'] as const);
  const judgement = { adminId, kind, key: random(4) === 0 ? 'said before' : newId('dec') };
  const words = {
    resolve: resolving(world, adminId, pick(random, OUTCOMES)),
    dispute: disputing(world, user, reason),
    givesBack: givingBack(world, user, orAll(personOf(twin, idOf(user)).available)),
    gets: giving(world, user, orAll(twin.merchant)),
    freeze: freezing(world, user, random(3) === 0),
  };
  const { resolve, dispute, givesBack, gets, freeze } = words;
  const paused = random(3) === 0 ? [pausing(world)] : [];
  return {
    ...words,
    stakes: [staking(world, user, 'yes', amount), staking(world, user, 'no', amount)] as const,
    anybodys: [resolve, dispute, givesBack, gets, gets, freeze, funding(world, amount), ...paused] as const,
    onNewest: decisionsOn(world, random, ids.length - 1),
    onSingle: (nth: number): readonly MarketDeed[] =>
      twin.resolutions[nth]?.distributions[idOf(user)]
        ? [doubting(world, nth, user, reason), judging(world, nth, user, judgement)]
        : [],
  };
}
