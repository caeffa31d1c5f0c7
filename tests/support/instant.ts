/** Withdrawals paid person to person, over the real ledger. */
import { createHash } from 'node:crypto';
import { readBatches, readInstantPayout, readPayin } from '../../src/instant/reads.ts';
import { BUILT_IN_POLICY, type InstantPolicy, LOOK_ALIKE_BITS, type OnUnfilled } from '../../src/instant/rules/policy.ts';
import type { BatchRecord, InstantPayoutRecord, PayinRecord } from '../../src/instant/rules/records.ts';
import {
  closeInstantPayout,
  confirmBatch,
  decideBatch,
  decideLateProof,
  disputeBatch,
  lapseAssignment,
  lapseConfirmation,
  type OpeningAnswer,
  openInstantPayout,
  openPayin,
  type PayinAnswer,
  type ProofAnswer,
  recordBankCredit,
  restOfInstantPayout,
  submitProof,
} from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, reserveRequest } from './books.ts';
import { type TestUser, type Users, usersOf } from './users.ts';

export interface Withdrawal {
  readonly id: string;
  readonly payee: TestUser;
  readonly batches: readonly string[];
}

export interface OpenOptions {
  readonly id?: string;
  readonly policy?: Partial<InstantPolicy>;
  readonly onUnfilled?: OnUnfilled;
  readonly reference?: string;
  readonly callbackUrl?: string | null;
}

export interface Shown {
  readonly utr?: string;
  /** Images with the same name are the same image. */
  readonly image?: string;
  readonly look?: string;
}

export interface Instant {
  readonly users: Users;
  /** A user with so much, of a merchant that is new unless one is given. */
  user(purse?: bigint, merchant?: Pick<Owner, 'merchantId' | 'mode'>): Promise<TestUser>;
  tryOpen(payee: TestUser, amounts: readonly bigint[], options?: OpenOptions): Promise<OpeningAnswer>;
  open(payee: TestUser, amounts: readonly bigint[], options?: OpenOptions): Promise<Withdrawal>;
  tryClaim(payer: TestUser, batchId: string, payinId?: string): Promise<PayinAnswer>;
  /** The payin that has the slice now. */
  claim(payer: TestUser, batchId: string): Promise<string>;
  tryPayin(payer: TestUser, amount: bigint, payinId?: string): Promise<PayinAnswer>;
  /** With a UTR and an image that nobody has shown before, unless they are given. */
  prove(batchId: string, payinId: string, shown?: Shown): Promise<ProofAnswer>;
  confirm(batchId: string): Promise<string>;
  dispute(batchId: string): Promise<string>;
  decide(batchId: string, decision: 'approve' | 'reject', isAgainstBank?: boolean): Promise<string>;
  decideLate(payinId: string, decision: 'credit' | 'refund' | 'reject', isAgainstBank?: boolean): Promise<string>;
  /** The deadline of the assignment that counts is over. */
  expire(batchId: string): Promise<string>;
  /** The payee was waited for long enough. */
  tire(batchId: string): Promise<string>;
  bank(payee: TestUser, utr: string, amount: bigint): Promise<string>;
  close(id: string, reason?: 'cancelled' | 'unfilled'): Promise<string>;
  /** What is left to do for it; where that is a payout of the rest, it is taken in: `handed` and the payout's answer. */
  rest(id: string): Promise<string>;
  withdrawal(id: string): Promise<InstantPayoutRecord>;
  batches(id: string): Promise<BatchRecord[]>;
  batch(id: string): Promise<BatchRecord>;
  payin(id: string): Promise<PayinRecord>;
  purse(user: TestUser): Promise<{ available: bigint; reserved: bigint; debt: bigint }>;
}

let utrs = 100_000_000_000n + BigInt(Date.now() % 1_000_000_000) * 100n;
/** One that nobody has shown, and that is not near any other. */
export const newUtr = (): string => {
  utrs += 111n;
  return String(utrs);
};
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

export function instantOf(books: Books): Instant {
  const { owner: sql, pool } = books.db;
  const users = usersOf(books);

  const instant: Instant = {
    users,
    async user(purse = 0n, merchant) {
      const of = merchant ?? (await books.merchant(0n));
      const user = await users.user(of);
      if (purse > 0n) {
        await books.fund(of, purse, newId('ext'), 'INR');
        await users.credit(user, purse, { currency: 'INR' });
      }
      return user;
    },
    tryOpen: (
      payee,
      amounts,
      { id = newId('ip'), policy = {}, onUnfilled = 'refund', reference = id, callbackUrl = null } = {},
    ) =>
      openInstantPayout(pool, {
        ...payee,
        instantPayoutId: id,
        currency: 'INR',
        amountMinor: String(amounts.reduce((sum, each) => sum + each, 0n)),
        reference,
        payee: { type: 'upi', label: 'a••@upi', sealed: 'sealed' },
        batches: amounts.map((amount) => ({ batchId: newId('ipb'), amountMinor: String(amount) })),
        policy: { ...BUILT_IN_POLICY, ...policy },
        onUnfilled,
        callbackUrl,
      }),
    async open(payee, amounts, options) {
      const answer = await instant.tryOpen(payee, amounts, options);
      if (answer.outcome !== 'opened') throw new Error(`not opened: ${answer.outcome}`);
      return { id: answer.instantPayout.id, payee, batches: answer.batches.map(({ id }) => id) };
    },
    tryClaim: (payer, batchId, payinId = newId('pin')) =>
      openPayin(pool, { ...payer, payinId, reference: payinId, callbackUrl: null, wanted: { batchId } }),
    async claim(payer, batchId) {
      const answer = await instant.tryClaim(payer, batchId);
      if (answer.outcome !== 'opened') throw new Error(`not claimed: ${answer.outcome}`);
      return answer.payin.id;
    },
    tryPayin: (payer, amount, payinId = newId('pin')) =>
      openPayin(pool, {
        ...payer,
        payinId,
        reference: payinId,
        callbackUrl: null,
        wanted: { amountMinor: String(amount), currency: 'INR', waitMs: 60_000 },
      }),
    prove: (batchId, payinId, { utr = newUtr(), image = newId('img'), look = sha(image).slice(0, 16) } = {}) =>
      submitProof(pool, {
        batchId,
        payinId,
        utr,
        rail: 'upi',
        imageHash: sha(image),
        imageLook: look,
        imageType: 'image/webp',
        lookAlikeBits: LOOK_ALIKE_BITS,
        actor: 'payer',
      }),
    confirm: async (batchId) => (await confirmBatch(pool, { batchId, actor: 'payee' })).outcome,
    dispute: async (batchId) => (await disputeBatch(pool, { batchId, reason: 'not received', actor: 'payee' })).outcome,
    decide: async (batchId, decision, isAgainstBank = false) =>
      (await decideBatch(pool, { batchId, decision, isAgainstBank, note: null, actor: 'admin:adm_1' })).outcome,
    decideLate: async (payinId, decision, isAgainstBank = false) =>
      (await decideLateProof(pool, { payinId, decision, isAgainstBank, note: null, actor: 'admin:adm_1' })).outcome,
    async expire(batchId) {
      const { rows } = await sql.query<{ epoch: number }>(
        `UPDATE instant_batches SET pay_until = now() - interval '1 second' WHERE id = $1 RETURNING epoch`,
        [batchId],
      );
      return (await lapseAssignment(pool, batchId, rows[0]?.epoch ?? 0)).outcome;
    },
    async tire(batchId) {
      await sql.query(`UPDATE instant_batches SET confirm_until = now() - interval '1 second' WHERE id = $1`, [batchId]);
      return (await lapseConfirmation(pool, batchId)).outcome;
    },
    bank: async ({ merchantId, mode }, utr, amount) =>
      (
        await recordBankCredit(pool, {
          bankCreditId: newId('bcr'),
          merchantId,
          mode,
          utr,
          currency: 'INR',
          amountMinor: String(amount),
          creditedAt: '2026-11-29T22:00:00.000Z',
        })
      ).outcome,
    close: async (id, reason = 'cancelled') =>
      (await closeInstantPayout(pool, { instantPayoutId: id, reason, actor: 'merchant' })).outcome,
    async rest(id) {
      const answer = await restOfInstantPayout(pool, id, newId('po'));
      if (answer.outcome !== 'hand_over') return answer.outcome;
      const { merchantId, mode, userId } = answer.instantPayout;
      const taken = await books.ledger.reserve({
        ...reserveRequest(
          { merchantId, mode },
          { payoutId: answer.payoutId, amount: BigInt(answer.amountMinor), currency: 'INR' },
        ),
        kind: 'user',
        owner: { kind: 'user', id: userId },
      });
      return `handed ${taken.outcome}`;
    },
    async withdrawal(id) {
      const record = await readInstantPayout(pool, id);
      if (!record) throw new Error(`no withdrawal ${id}`);
      return record;
    },
    batches: (id) => readBatches(pool, id),
    async batch(id) {
      const { rows } = await sql.query<{ record: BatchRecord }>(
        'SELECT instant_batch_record(b) AS record FROM instant_batches b WHERE id = $1',
        [id],
      );
      if (!rows[0]) throw new Error(`no batch ${id}`);
      return rows[0].record;
    },
    async payin(id) {
      const record = await readPayin(pool, id);
      if (!record) throw new Error(`no payin ${id}`);
      return record;
    },
    async purse({ userId, mode }) {
      const { rows } = await sql.query<{ available: string; reserved: string; debt: string }>(
        `SELECT available, reserved, debt FROM balances WHERE owner_kind = 'user' AND owner_id = $1 AND mode = $2 AND currency = 'INR'`,
        [userId, mode],
      );
      const { available = '0', reserved = '0', debt = '0' } = rows[0] ?? {};
      return { available: BigInt(available), reserved: BigInt(reserved), debt: BigInt(debt) };
    },
  };
  return instant;
}
