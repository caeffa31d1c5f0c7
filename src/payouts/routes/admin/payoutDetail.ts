/** Everything there is to know of one payout, for whoever must explain it: what came in, what went out, who decided. */
import type { Pool } from 'pg';
import { STEPS } from '../../../events/timeline.ts';
import type { Account, PrismaClient } from '../../../generated/prisma/client.ts';
import { presentMessage } from '../../../psp/present.ts';
import { followUpWorkflowId, payoutWorkflowId } from '../../../rules/ids.ts';
import { formatMajor } from '../../../rules/money.ts';
import { presentAttempt, presentDelivery } from '../../../webhooks/present.ts';
import { presentPayout } from '../../present/payout.ts';
import type { PayoutRecord } from '../../rules/contract.ts';
import { ACCOUNT_CHANGED_SINCE, withAccountChange } from './accountChange.ts';

export interface TemporalPlace {
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
}

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

/** All of one payout, but no full account number. */
export async function payoutDetail({ pool, prisma, config }: DetailPorts, record: PayoutRecord) {
  const payoutId = record.id;
  const select = { makerId: true, callbackUrl: true, debt: true, returns: true } as const;
  const { debt, ...row } = await prisma.payout.findUniqueOrThrow({ where: { id: payoutId }, select });
  return {
    ...withAccountChange(presentForAdmin(record), await accountChangedSince(pool, payoutId)),
    ...row,
    debt: formatMajor(debt, record.currency),
    attempts: await attemptsOf(prisma, record), // in full here; the merchant's `attempts` is how many there are
    ledgerEntries: await entriesOf(prisma, payoutId),
    approvals: await approvalsOf(prisma, payoutId),
    pspMessages: await messagesOf(prisma, payoutId),
    timeline: await timelineOf(prisma, payoutId),
    webhookDeliveries: await deliveriesOf(prisma, payoutId),
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

async function accountChangedSince(pool: Pool, payoutId: string): Promise<Date | null> {
  const { rows } = await pool.query<{ changed: Date | null }>(
    `SELECT ${ACCOUNT_CHANGED_SINCE} AS changed FROM payouts p WHERE p.id = $1`,
    [payoutId],
  );
  return rows[0]?.changed ?? null;
}

/** The page of a workflow in the Temporal UI, which shows its newest run. */
export function temporalLink({ temporalUiUrl, temporalNamespace }: TemporalPlace, workflowId: string): string {
  const base = temporalUiUrl.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

/** Field by field: what is ours alone, or no JSON, does not go out because the table has it. */
async function attemptsOf(prisma: PrismaClient, { id, currency }: PayoutRecord) {
  const rows = await prisma.payoutAttempt.findMany({ where: { payoutId: id }, orderBy: { attempt: 'asc' } });
  return rows.map(({ attempt, psp, pspKey, pspRef, state, proof, pspFee, sends, startedAt, sentAt, endedAt, failure }) => ({
    attempt,
    psp,
    pspKey,
    pspReference: pspRef,
    state,
    proof,
    pspFee: pspFee === null ? null : formatMajor(pspFee, currency),
    sends,
    startedAt,
    sentAt,
    endedAt,
    failure,
  }));
}

async function entriesOf(prisma: PrismaClient, payoutId: string) {
  const entries = await prisma.ledgerEntry.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId },
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

async function approvalsOf(prisma: PrismaClient, payoutId: string) {
  const approvals = await prisma.approval.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId },
    orderBy: { at: 'asc' },
  });
  return approvals.map(({ subjectKind: _, subjectId: __, ...approval }) => approval);
}

async function messagesOf(prisma: PrismaClient, payoutId: string) {
  const messages = await prisma.pspMessage.findMany({ where: { payoutId }, orderBy: { id: 'asc' } });
  return messages.map(presentMessage);
}

async function timelineOf(prisma: PrismaClient, payoutId: string) {
  const events = await prisma.event.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId },
    orderBy: { sequence: 'asc' },
    omit: { object: true },
  });
  return events.map(STEPS.payout.operator);
}

async function deliveriesOf(prisma: PrismaClient, payoutId: string) {
  const deliveries = await prisma.webhookDelivery.findMany({
    where: { subjectKind: 'payout', subjectId: payoutId },
    orderBy: { id: 'asc' },
  });
  const tries = await prisma.webhookAttempt.findMany({
    where: { deliveryId: { in: deliveries.map(({ id }) => id) } },
    orderBy: { id: 'asc' },
  });
  return deliveries.map((delivery) => ({
    ...presentDelivery(delivery),
    attempts: tries.filter(({ deliveryId }) => deliveryId === delivery.id).map(presentAttempt),
  }));
}
