/** The withdrawals of a run: each of a payee with money of their own, and of payers of another merchant who have none yet. */

import { formatMajor } from '../../src/rules/money.ts';
import { insist } from '../insist.ts';
import type { Random } from '../random.ts';
import type { Order } from '../scenario.ts';
import type { Site } from '../site.ts';
import { type InstantBehaviour, SPARE } from './behaviour.ts';

export const CURRENCY = 'INR';

export const major = (minor: bigint): string => formatMajor(minor, CURRENCY);

export interface InstantOrder extends Order {
  readonly behaviour: InstantBehaviour;
  readonly payeeId: string;
  /** The key of the payers' merchant. */
  readonly payersKey: string;
  /** Two who come first, and two after them. */
  readonly payers: readonly string[];
  readonly slices: readonly bigint[];
  /** Of the withdrawal, and of whoever takes a slice of it. */
  readonly callbackUrl: string;
}

/** A payees' merchant and a payers': each sees its own side. */
export interface Houses {
  /** By policy. */
  payeesKey(behaviour: InstantBehaviour): string;
  readonly payersKey: string;
}

const PAYERS = 4;
/** Of slices in minor units: as small as one may be, and a little more. */
const LEAST = 10_000n;
/** No two of a run are alike: who waits for one of an amount would be given another's. */
const APART = 10_000;

/** Different for every order of an installation. */
let serial = 0;

export function drawWithdrawal(
  site: Site,
  behaviour: InstantBehaviour,
  houses: Houses,
  random: Random,
): () => Promise<InstantOrder> {
  serial += 1;
  const idempotencyKey = `chaos-instant-${process.pid}-${serial}`;
  const slices = [0, 1].map((nth) => LEAST + BigInt(APART * random.below(4) + ((2 * serial + nth) % APART)));
  const account = `98765432${random.below(90) + 10}${behaviour.account ?? '0001'}`;
  const key = houses.payeesKey(behaviour);
  const callbackUrl = site.server.callbackUrlFor(serial);
  let calls = 0;
  const call = async (of: string, path: string, body: object): Promise<string> => {
    calls += 1;
    const asked = { path, key: of, body, idempotencyKey: `${idempotencyKey}-${calls}` };
    return String((await insist(site.here, asked, { isOver: site.isOver })).body['id']);
  };
  const total = slices.reduce((sum, each) => sum + each, 0n);
  return async () => {
    const payeeId = await call(key, '/api/v1/users', { externalId: idempotencyKey });
    const purse = { amount: major(total + SPARE), currency: CURRENCY, externalId: idempotencyKey };
    await call(key, `/api/v1/users/${payeeId}/credit`, purse);
    const payers: string[] = [];
    while (payers.length < PAYERS) {
      payers.push(await call(houses.payersKey, '/api/v1/users', { externalId: `${idempotencyKey}-${payers.length}` }));
    }
    const body = {
      userId: payeeId,
      amount: major(total),
      currency: CURRENCY,
      reference: idempotencyKey,
      payee: { type: 'bank', bankCode: 'HDFC', accountNumber: account, accountTitle: 'Asha Rao' },
      batches: slices.map(major),
      assignmentMinutes: behaviour.isShort ? 30 : 1_440,
      onUnfilled: behaviour.onUnfilled ?? 'refund',
      callbackUrl,
    };
    return {
      path: '/api/v1/instant-payouts',
      key,
      body,
      idempotencyKey,
      behaviour,
      payeeId,
      payers,
      payersKey: houses.payersKey,
      slices,
      callbackUrl,
    };
  };
}
