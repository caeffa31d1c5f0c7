/** Taking a payout in, whoever asks for it: whoever asks with this id again meets the same workflow and gets the same answer. */
import type { Pool } from 'pg';
import type { Accepted, PayoutKind, PayoutRecord, PayoutRequest, RefusalCode } from '../rules/contract.ts';
import { MAX_ATTEMPTS } from '../rules/failures.ts';
import { feeMinor } from '../rules/fee.ts';
import type { AcceptAnswer } from '../client.ts';
import type { ApiContext } from '../../http/context.ts';
import type { Pending } from '../../http/plugins/idempotency.ts';
import { Problem, unavailable } from '../../http/problem.ts';

/** What was asked for, before it has an id and a PSP. */
export type PayoutOrder = Omit<PayoutRequest, 'payoutId' | 'psp'>;

export interface Taken {
  readonly payout: PayoutRecord;
}

export interface TakingIn {
  readonly payoutId: string;
  /** It may have been taken in before under this id: then the first answer stands, whatever has changed since. */
  readonly isRepeat: boolean;
  /** @throws Problem where a rule is broken. */
  readonly order: () => PayoutOrder | Promise<PayoutOrder>;
}

/** @throws Problem 422 `psp_not_configured`, the order's own, or the ledger's refusal. */
export async function takeIn(context: ApiContext, { payoutId, isRepeat, order }: TakingIn): Promise<Taken | Pending> {
  const begun = isRepeat ? await readBegun(context, payoutId) : undefined;
  if (begun?.kind === 'answered') return taken(begun.accepted);
  const noted = begun && (await readNoted(context.pool, payoutId));
  if (noted) return { pending: noted };
  const request = await orderAgain(begun, async () => requestOf(context, payoutId, await order()));
  const answer = begun ?? (await context.payouts.accept({ ...request, kind: kindOf(request) }, { type: 'new', request }));
  return answer.kind === 'pending' ? { pending: await note(context.pool, untaken(request)) } : taken(answer.accepted);
}

/** Of a payout that is under way no rule of today is an answer: it is asked again when it has come to one of its own. */
async function orderAgain(begun: AcceptAnswer | undefined, order: () => Promise<PayoutRequest>): Promise<PayoutRequest> {
  try {
    return await order();
  } catch (error) {
    throw begun && error instanceof Problem ? unavailable('The engine') : error;
  }
}

/** What was answered when this payout was first asked for, or that nobody has decided yet; undefined if it was not begun. */
async function readBegun({ pool, payouts }: ApiContext, payoutId: string): Promise<AcceptAnswer | undefined> {
  // The books remember longer than Temporal, and its workflow may have ended without having been asked.
  const accepted = await readAccepted(pool, payoutId);
  if (accepted) return { kind: 'answered', accepted };
  const recalled = await payouts.recall(payoutId);
  return recalled.kind === 'unknown' ? undefined : recalled;
}

/** A payout that is answered with 202 stands in a row of its own until it is in the books. Answers what the first 202 showed. */
async function note(pool: Pool, record: PayoutRecord): Promise<PayoutRecord> {
  const values = [record.id, record.owner.id, record.mode, JSON.stringify(record)];
  await pool.query(
    'INSERT INTO payout_requests (payout_id, owner_id, mode, record) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    values,
  );
  return (await readNoted(pool, record.id)) ?? record;
}

async function readNoted(pool: Pool, payoutId: string): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ record: PayoutRecord }>('SELECT record FROM payout_requests WHERE payout_id = $1', [
    payoutId,
  ]);
  return rows[0]?.record;
}

function requestOf({ psps }: ApiContext, payoutId: string, order: PayoutOrder): PayoutRequest {
  const { mode, currency } = order;
  const psp = psps.forPayout({ mode, currency, kind: kindOf(order) });
  if (!psp) throw new Problem(422, 'psp_not_configured', `No payment provider is configured for ${currency} in ${mode} mode.`);
  return { ...order, payoutId, psp: psp.name };
}

const kindOf = ({ kind = 'merchant' }: Pick<PayoutRequest, 'kind'>): PayoutKind => kind;

function taken(accepted: Accepted): Taken {
  if (accepted.outcome === 'refused') throw refusal(accepted.code);
  return { payout: accepted.payout };
}

/** What the books answered when this payout was first asked for; undefined if they never were. */
async function readAccepted(pool: Pool, payoutId: string): Promise<Accepted | undefined> {
  const { rows } = await pool.query<{ payout: PayoutRecord | null; code: RefusalCode | null }>(
    `SELECT (SELECT object FROM events WHERE payout_id = $1 AND sequence = 1) AS payout,
            (SELECT code FROM payout_refusals WHERE payout_id = $1) AS code`,
    [payoutId],
  );
  const { payout, code } = rows[0] ?? {};
  if (payout) return { outcome: 'accepted', payout };
  return code ? { outcome: 'refused', code } : undefined;
}

/** What a client reads when the ledger refuses. */
export const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  insufficient_balance: 'The available balance does not cover the amount and its fee.',
  duplicate_reference: 'Another payout has this reference.',
  not_reinitiable: 'Only a failed payout can be tried again.',
  not_bookable: 'The books cannot take this payout in as it is.',
};

const REFUSAL_STATUS: Readonly<Record<RefusalCode, number>> = {
  insufficient_balance: 400,
  duplicate_reference: 409,
  not_reinitiable: 409,
  not_bookable: 422,
};

export function refusal(code: RefusalCode): Problem {
  return new Problem(REFUSAL_STATUS[code], code, REFUSALS[code]);
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
    dispatch: request.dispatch ?? 'now',
    runId: null,
    method: request.method ?? null,
    maxAttempts: request.maxAttempts ?? MAX_ATTEMPTS,
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
    reviewUntil: null,
    nextAttemptAt: null,
    outcomeUntil: null,
    createdAt: now,
    updatedAt: now,
    completedAt: null,
  };
}
