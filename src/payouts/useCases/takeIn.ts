/** Taking a payout in, whoever asks for it: whoever asks with this id again meets the same workflow and gets the same answer. */
import type { Pool } from 'pg';
import { readAsOf } from '../reads.ts';
import type { Accepted, PayoutRecord, PayoutRequest, RefusalCode } from '../rules/contract.ts';
import { feeMinor } from '../rules/fee.ts';
import { kindOf, PAYOUT_KINDS } from '../rules/kinds.ts';
import type { PayoutPorts } from './ports.ts';

/** What was asked for, before it has an id and a PSP. */
export type PayoutOrder = Omit<PayoutRequest, 'payoutId' | 'psp'>;

/** An order as it could be read, or what is wrong with it, in its reader's own words. */
export type Ordered<Fault> =
  | { readonly kind: 'order'; readonly order: PayoutOrder }
  | { readonly kind: 'faulty'; readonly fault: Fault };

export type Taken =
  | { readonly outcome: 'taken'; readonly payout: PayoutRecord }
  /** No worker has taken it up yet: it is shown as it will be, and asked for again under the same id. */
  | { readonly outcome: 'pending'; readonly payout: PayoutRecord }
  | { readonly outcome: 'refused'; readonly code: RefusalCode };

export type TakenIn<Fault> =
  | Taken
  | { readonly outcome: 'faulty'; readonly fault: Fault }
  /** No payment provider is configured for its currency and mode. */
  | { readonly outcome: 'no_psp'; readonly order: PayoutOrder }
  /** Begun before and not decided yet; a rule of today is no answer to it. */
  | { readonly outcome: 'undecided' };

export interface TakingIn<Fault> {
  readonly payoutId: string;
  /** It may have been taken in before under this id: then the first answer stands, whatever has changed since. */
  readonly isRepeat: boolean;
  readonly order: () => Promise<Ordered<Fault>>;
}

export async function takeIn<Fault>(ports: PayoutPorts, { payoutId, isRepeat, order }: TakingIn<Fault>): Promise<TakenIn<Fault>> {
  const begun = isRepeat ? await readBegun(ports, payoutId) : undefined;
  if (begun !== undefined && begun !== 'undecided') return begun;
  const noted = begun && (await readNoted(ports.pool, payoutId));
  if (noted) return { outcome: 'pending', payout: noted };
  const read = await order();
  const psp = read.kind === 'order' ? pspOf(ports, read.order) : undefined;
  if (begun && psp === undefined) return { outcome: 'undecided' };
  if (read.kind === 'faulty') return { outcome: 'faulty', fault: read.fault };
  if (psp === undefined) return { outcome: 'no_psp', order: read.order };
  const request = { ...read.order, payoutId, psp };
  if (begun === undefined) {
    const answer = await ports.payouts.accept({ ...request, kind: kindOf(request) }, { type: 'new', request });
    if (answer.kind === 'answered') return await shown(ports.pool, payoutId, answer.accepted);
  }
  return { outcome: 'pending', payout: await note(ports.pool, untaken(request)) };
}

/** What was answered when this payout was first asked for, or that nobody has decided yet; undefined if it was not begun. */
async function readBegun({ pool, payouts }: PayoutPorts, payoutId: string): Promise<Shown | 'undecided' | undefined> {
  // The books remember longer than Temporal, and its workflow may have ended without having been asked.
  const booked = await readBooked(pool, payoutId);
  if (booked) return booked;
  const recalled = await payouts.recall(payoutId);
  if (recalled.kind === 'answered') return await shown(pool, payoutId, recalled.accepted);
  return recalled.kind === 'unknown' ? undefined : 'undecided';
}

/** A payout that is answered with 202 stands in a row of its own until it is in the books. Answers what the first 202 showed. */
async function note(pool: Pool, record: PayoutRecord): Promise<PayoutRecord> {
  const insert = 'INSERT INTO payout_requests (payout_id, record) VALUES ($1, $2) ON CONFLICT DO NOTHING';
  await pool.query(insert, [record.id, JSON.stringify(record)]);
  return (await readNoted(pool, record.id)) ?? record;
}

async function readNoted(pool: Pool, payoutId: string): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ record: PayoutRecord }>('SELECT record FROM payout_requests WHERE payout_id = $1', [
    payoutId,
  ]);
  return rows[0]?.record;
}

const pspOf = ({ psps }: PayoutPorts, order: PayoutOrder): string | undefined =>
  psps.forPayout({ mode: order.mode, currency: order.currency, kind: kindOf(order) })?.name;

type Shown = Exclude<Taken, { outcome: 'pending' }> | { readonly outcome: 'undecided' };

/** What a workflow has answered names an event. Books that were restored to a time before it do not have it: ask again. */
async function shown(pool: Pool, payoutId: string, accepted: Accepted): Promise<Shown> {
  if (accepted.outcome === 'refused') return accepted;
  const payout = await readAsOf(pool, payoutId, accepted.sequence);
  return payout ? { outcome: 'taken', payout } : { outcome: 'undecided' };
}

/** What the books answered when this payout was first asked for; undefined if they never were. */
async function readBooked(pool: Pool, payoutId: string): Promise<Shown | undefined> {
  const payout = await readAsOf(pool, payoutId, 1);
  if (payout) return { outcome: 'taken', payout };
  const { rows } = await pool.query<{ code: RefusalCode }>('SELECT code FROM payout_refusals WHERE payout_id = $1', [payoutId]);
  return rows[0] && { outcome: 'refused', code: rows[0].code };
}

/** A payout that Temporal has and no worker has taken up: as it will be, as far as that is known. */
function untaken({ payoutId, terms, destination, makerId: _, callbackUrl: __, ...request }: PayoutRequest): PayoutRecord {
  const now = new Date().toISOString();
  const { accountTitle } = destination;
  const accountLast4 = destination.accountNumber.slice(-4);
  return {
    ...request,
    id: payoutId,
    kind: kindOf(request),
    owner: request.owner ?? { kind: 'merchant', id: request.merchantId },
    dispatch: request.dispatch ?? PAYOUT_KINDS.merchant.dispatch,
    runId: null,
    method: request.method ?? null,
    maxAttempts: request.maxAttempts ?? PAYOUT_KINDS.merchant.maxAttempts,
    feeMinor: feeMinor(BigInt(request.amountMinor), terms).toString(),
    destination:
      destination.type === 'bank'
        ? { type: 'bank', bankCode: destination.bankCode, accountLast4, accountTitle }
        : { type: 'wallet', walletCode: destination.walletCode, accountLast4, accountTitle },
    pspReference: null,
    state: 'QUEUED',
    round: 1,
    attempt: 0,
    attemptsBefore: 0,
    attemptOpen: false,
    unproven: [],
    returns: 0,
    sequence: 0,
    review: null,
    risk: null,
    hold: null,
    failure: null,
    needsOperator: false,
    pausedBy: null,
    reviewUntil: null,
    nextAttemptAt: null,
    outcomeUntil: null,
    createdAt: now,
    updatedAt: now,
    completedAt: null,
  };
}
