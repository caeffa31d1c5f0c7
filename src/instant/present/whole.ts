/** One withdrawal with all that operators may know of it, in the words of the API. */
import { formatMajor } from '../../rules/money.ts';
import type { Turn, WholeSlice, WholeWithdrawal } from '../rules/whole.ts';
import { presentBatch, presentInstantPayout, presentPayin } from './instantPayout.ts';

/** Where somebody finds a workflow. */
export interface WorkflowPlace {
  readonly workflowId: string;
  readonly temporalUi: string;
}

interface Places {
  readonly ofWithdrawal: (id: string) => WorkflowPlace;
  readonly ofSlice: (id: string) => WorkflowPlace;
}

export const presentWholeWithdrawal = ({ instantPayout, slices }: WholeWithdrawal, { ofWithdrawal, ofSlice }: Places) => ({
  ...presentInstantPayout(instantPayout),
  merchantId: instantPayout.merchantId,
  closing: instantPayout.closing,
  creditOn: instantPayout.creditOn ?? null,
  ...ofWithdrawal(instantPayout.id),
  batches: slices.map((slice) => ({ ...presentSlice(slice), ...ofSlice(slice.batch.id) })),
});

const presentSlice = ({ batch, validateUntil, turns, bankCredits, dispute }: WholeSlice) => ({
  ...presentBatch(batch),
  money: batch.money,
  confirmUntil: batch.confirmUntil,
  validatorId: batch.review?.validatorId ?? null,
  validateUntil,
  turns: turns.map(presentTurn),
  bankCredits: bankCredits.map(({ amountMinor, state, currency, ...credit }) => ({
    ...credit,
    status: state,
    amount: formatMajor(BigInt(amountMinor), currency),
    currency,
  })),
  dispute,
});

const presentTurn = ({ number, assignedAt, payin, proof, lateCase }: Turn) => ({
  number,
  assignedAt,
  payin: { ...presentPayin(payin), merchantId: payin.merchantId },
  proof,
  lateCase,
});
