/** Everything there is to know of one payout, for whoever must explain it: what came in, what went out, who decided. */
import type { Pool } from 'pg';
import { STEPS } from '../../../events/timeline.ts';
import type { Account, PrismaClient, WebhookAttempt, WebhookDelivery } from '../../../generated/prisma/client.ts';
import { presentMessage } from '../../../psp/present.ts';
import { followUpWorkflowId, payoutWorkflowId, pspReference } from '../../../rules/ids.ts';
import { formatMajor } from '../../../rules/money.ts';
import { type TemporalPlace, temporalLink } from '../../../temporal/ui.ts';
import { presentAttempt, presentDelivery } from '../../../webhooks/present.ts';
import { presentPayout } from '../../present/payout.ts';
import type { PayoutRecord } from '../../rules/contract.ts';
import type { RecordedPayout } from '../../rules/recorded.ts';
import { accountChangedSince, withAccountChange } from './accountChange.ts';

/** The payout as its merchant sees it, and what only we know of it. */
export function presentForAdmin(record: PayoutRecord) {
  const { merchantId, kind, state, round, sequence, needsOperator, owner, dispatch = 'now', runId = null, risk } = record;
  const ours = { merchantId, kind, state, round, sequence, needsOperator, owner, dispatch, runId, risk };
  return { ...presentPayout(record), ...ours };
}

export interface DetailPorts {
  readonly pool: Pool;
  readonly prisma: PrismaClient;
  readonly config: TemporalPlace;
}

/**
 * All of one payout as its newest event has it, or as it was up to an earlier time, but no full account number.
 * @param at that time; undefined: now. What happened at that very millisecond has happened.
 */
export async function payoutDetail({ pool, prisma, config }: DetailPorts, record: RecordedPayout, at: string | undefined) {
  const payoutId = record.id;
  const row = await prisma.payout.findUniqueOrThrow({ where: { id: payoutId }, select: { makerId: true, callbackUrl: true } });
  const until = at === undefined ? undefined : new Date(at);
  return {
    ...withAccountChange(presentForAdmin(record), await changedSince(pool, payoutId, at)),
    ...row,
    debt: formatMajor(BigInt(record.beside?.debtMinor ?? 0), record.currency),
    returns: record.returns,
    attempts: attemptsOf(record), // in full here; the merchant's `attempts` is how many there are
    ledgerEntries: await entriesOf(prisma, payoutId, until),
    approvals: await approvalsOf(prisma, payoutId, until),
    pspMessages: await messagesOf(prisma, payoutId, until),
    timeline: await timelineOf(prisma, payoutId, record.sequence),
    webhookDeliveries: await deliveriesOf(prisma, payoutId, until),
    ...workflowsOf(config, record),
  };
}

/** One that was answered with 202 and is not in the books: nobody has taken it up, or it was refused when somebody did. */
export function requestedDetail(config: TemporalPlace, record: PayoutRecord) {
  return {
    ...withAccountChange(presentForAdmin(record), null),
    makerId: null,
    callbackUrl: null,
    debt: formatMajor(0n, record.currency),
    returns: 0,
    attempts: [],
    ledgerEntries: [],
    approvals: [],
    pspMessages: [],
    timeline: [],
    webhookDeliveries: [],
    ...workflowsOf(config, record),
  };
}

function workflowsOf(config: TemporalPlace, { id, round }: PayoutRecord) {
  const workflowId = payoutWorkflowId(id, round);
  return { workflowId, followUpWorkflowId: followUpWorkflowId(id), temporalUi: temporalLink(config, workflowId) };
}

async function changedSince(pool: Pool, payoutId: string, at: string | undefined): Promise<Date | null> {
  const { rows } = await pool.query<{ changed: Date | null }>(
    `SELECT ${accountChangedSince('AND created_at <= coalesce($2::timestamptz, created_at)')} AS changed FROM payouts p WHERE p.id = $1`,
    [payoutId, at ?? null],
  );
  return rows[0]?.changed ?? null;
}

/** Field by field: what is ours alone does not go out because the record has it. */
function attemptsOf({ id, currency, beside }: RecordedPayout) {
  return (beside?.attempts ?? []).map(
    ({ attempt, psp, pspRef, state, proof, pspFeeMinor, sends, startedAt, sentAt, endedAt, failure }) => ({
      attempt,
      psp,
      pspKey: pspReference(id, attempt),
      pspReference: pspRef,
      state,
      proof,
      pspFee: pspFeeMinor === null ? null : formatMajor(BigInt(pspFeeMinor), currency),
      sends,
      startedAt,
      sentAt,
      endedAt,
      failure,
    }),
  );
}

/** What had happened by then; without a time, all of it. */
const by = (until: Date | undefined) => (until === undefined ? {} : { lte: until });

async function entriesOf(prisma: PrismaClient, payoutId: string, until: Date | undefined) {
  const entries = await prisma.ledgerEntry.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId, at: by(until) },
    orderBy: { id: 'asc' },
  });
  const ids = entries.flatMap((entry) => [entry.debitAccount, entry.creditAccount]);
  const accounts = await prisma.account.findMany({ where: { id: { in: ids } } });
  const names = new Map(accounts.map((account) => [account.id, accountName(account)]));
  const after = (amount: bigint | null, currency: string) => (amount === null ? null : formatMajor(amount, currency));
  return entries.map((entry) => ({
    id: entry.id.toString(),
    object: 'ledger_entry',
    key: `${entry.opKey}#${entry.leg}`,
    type: entry.type,
    amount: formatMajor(entry.amount, entry.currency),
    currency: entry.currency,
    debit: names.get(entry.debitAccount) ?? null,
    credit: names.get(entry.creditAccount) ?? null,
    availableAfter: after(entry.debitAvailable ?? entry.creditAvailable, entry.currency),
    lockedAfter: after(entry.debitReserved ?? entry.creditReserved, entry.currency),
    debtAfter: after(entry.debitDebt ?? entry.creditDebt, entry.currency),
    createdAt: entry.at,
  }));
}

/** `merchant:<id>:reserved`, `platform:clearing`, `platform:sandbox:clearing`. */
function accountName({ ownerKind, ownerId, purpose }: Account): string {
  return [ownerKind, ownerId, purpose].filter((part) => part !== '').join(':');
}

async function approvalsOf(prisma: PrismaClient, payoutId: string, until: Date | undefined) {
  const approvals = await prisma.approval.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId, at: by(until) },
    orderBy: { at: 'asc' },
  });
  return approvals.map(({ subjectKind: _, subjectId: __, ...approval }) => approval);
}

async function messagesOf(prisma: PrismaClient, payoutId: string, until: Date | undefined) {
  const messages = await prisma.pspMessage.findMany({ where: { payoutId, receivedAt: by(until) }, orderBy: { id: 'asc' } });
  return messages.map((message) => {
    const isHandled = message.handledAt !== null && (until === undefined || message.handledAt <= until);
    return presentMessage(
      isHandled || until === undefined ? message : { ...message, state: 'received', detail: null, handledAt: null },
    );
  });
}

async function timelineOf(prisma: PrismaClient, payoutId: string, newest: number) {
  const events = await prisma.event.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId, sequence: { lte: newest } },
    orderBy: { sequence: 'asc' },
    omit: { object: true },
  });
  return events.map(STEPS.payout.operator);
}

/** Those that are still kept. */
async function deliveriesOf(prisma: PrismaClient, payoutId: string, until: Date | undefined) {
  const deliveries = await prisma.webhookDelivery.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId, createdAt: by(until) },
    orderBy: { id: 'asc' },
  });
  const tries = await prisma.webhookAttempt.findMany({
    where: { deliveryId: { in: deliveries.map(({ id }) => id) }, at: by(until) },
    orderBy: { id: 'asc' },
  });
  return deliveries.map((delivery) => {
    const made = tries.filter(({ deliveryId }) => deliveryId === delivery.id);
    const asOf = until === undefined || delivery.updatedAt <= until ? delivery : asOfTries(delivery, made);
    return { ...presentDelivery(asOf), attempts: made.map(presentAttempt) };
  });
}

/** One that has changed since: as its tries up to then left it. Given up without one more try it was only later. */
const asOfTries = (delivery: WebhookDelivery, made: readonly WebhookAttempt[]): WebhookDelivery => ({
  ...delivery,
  resendFrom: null,
  state: made.some(({ statusCode }) => statusCode !== null && statusCode < 300) ? 'delivered' : 'pending',
});
