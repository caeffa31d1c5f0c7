/**
 * The rest of a withdrawal, which nobody paid, goes to its payee by an ordinary payout, taken in as a merchant's is: its id was
 * allotted in the books before, so that whoever does this again asks for the same payout. What it reserves it takes over from the
 * withdrawal in one transaction (hand_over.sql).
 */
import type { KeyRing } from '../../crypto/secretBox.ts';
import type { Sql } from '../../db/pool.ts';
import { giveBackRest, type RestAnswer } from '../../ledger/instant.ts';
import type { PayoutPorts } from '../../payouts/useCases/ports.ts';
import { type PayoutOrder, takeIn } from '../../payouts/useCases/takeIn.ts';
import type { Payee } from '../rules/records.ts';
import { destinationOf, openPayee } from './payee.ts';

export interface HandOverPorts extends PayoutPorts {
  readonly keys: KeyRing;
}

export type Rest = Extract<RestAnswer, { outcome: 'hand_over' }>;
/** `pending`: no worker has taken the payout up yet. */
export type HandedOver = 'done' | 'pending';
export type HandOver = (rest: Rest) => Promise<HandedOver>;

/** @throws where the payout cannot be taken in now: nothing is lost, and it is asked for again. */
export async function handOver(ports: HandOverPorts, rest: Rest): Promise<HandedOver> {
  const { payoutId } = rest;
  const taken = await takeIn(ports, {
    payoutId,
    isRepeat: true,
    order: async () => ({ kind: 'order', order: await orderOf(ports, rest) }),
  });
  switch (taken.outcome) {
    case 'taken':
      return 'done';
    case 'pending':
      return 'pending';
    case 'refused':
      await mustGiveBack(ports.pool, rest);
      return 'done';
    default:
      throw new Error(`the payout ${payoutId} of a rest cannot be taken in: ${taken.outcome}`);
  }
}

/** @throws where the books know of no refusal: they were restored to a time before it, and a repeat asks anew. */
async function mustGiveBack(pool: Sql, { instantPayout: { id }, payoutId }: Rest): Promise<void> {
  const { outcome } = await giveBackRest(pool, id);
  if (outcome === 'wrong_state') throw new Error(`the books do not know that the payout ${payoutId} was refused`);
}

async function orderOf({ pool, keys }: HandOverPorts, { instantPayout, amountMinor }: Rest): Promise<PayoutOrder> {
  const { id, merchantId, mode, userId, currency } = instantPayout;
  const { rows } = await pool.query<{ payee: Payee; limit: string | null }>(
    'SELECT w.payee, m.review_limits ->> w.currency AS limit FROM instant_payouts w JOIN merchants m ON m.id = w.merchant_id WHERE w.id = $1',
    [id],
  );
  const row = rows[0];
  if (!row) throw new Error(`there is no withdrawal ${id}`);
  return {
    merchantId,
    mode,
    currency,
    amountMinor,
    kind: 'user',
    owner: { kind: 'user', id: userId },
    reference: id, // the withdrawal's own: unique among the merchant's payouts
    description: null,
    metadata: {},
    callbackUrl: null, // its withdrawal has one, which is told of the withdrawal
    destination: destinationOf(openPayee(keys, row.payee)),
    makerId: null,
    terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: row.limit },
  };
}
