/** Payouts under way together: watches them from outside, and does what the bank does meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type PayoutState, PUBLIC_STATUS } from '../src/domain/payout/machine.ts';
import type { Order } from './merchant.ts';
import type { Made } from './oracle.ts';
import { within } from './victims.ts';
import type { World } from './world.ts';

export interface Crowd {
  readonly made: readonly Made[];
  /** Since when each payout has been as it must be in the end. */
  readonly ended: ReadonlyMap<string, number>;
  states(): ReadonlyMap<string, PayoutState>;
  /** Posts it, again and again until it is taken in. */
  post(order: Order): Promise<void>;
  /** Until each payout has ended and nothing about any of them is under way. A payout that does not end is the oracle's business. */
  drain(withinMs: number): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 150;

export function watchCrowd(world: World): Crowd {
  const { books, merchant } = world;
  const made: Made[] = [];
  const ended = new Map<string, number>();
  const acted = new Set<string>();
  let states: ReadonlyMap<string, PayoutState> = new Map();
  let isClosed = false;

  async function tick(): Promise<void> {
    states = await books.states(made.map(({ id }) => id));
    for (const { id, order } of made) {
      const state = states.get(id);
      if (!state) continue;
      const { bank, ends } = order.behaviour;
      if (isFinal(state) && PUBLIC_STATUS[state] === ends && !ended.has(id)) ended.set(id, performance.now());
      if (bank?.when === state && !acted.has(id)) {
        acted.add(id);
        await books.bank(`${id}:1`, bank.makes);
      }
    }
    await merchant.look();
  }

  const ticking = (async () => {
    while (!isClosed) {
      await tick().catch(() => undefined);
      await sleep(TICK_MS);
    }
  })();

  return {
    made,
    ended,
    states: () => states,
    async post(order) {
      made.push({ order, id: await merchant.post(order) });
    },
    async drain(withinMs) {
      const ids = () => made.map(({ id }) => id);
      const settled = async () =>
        ended.size === made.length &&
        (await books.pendingCallbacks()) === 0 &&
        (await books.pendingDeliveries(ids())).length === 0 &&
        (await books.workflows('Running')).length === 0;
      // A callback that has just been answered may have started a workflow that is not in the list yet: ask twice.
      const quiet = async () => (await settled()) && (await sleep(300, true)) && (await settled());
      await within(quiet, 'they do not end', withinMs).catch(() => undefined);
    },
    async close() {
      isClosed = true;
      await ticking;
    },
  };
}
