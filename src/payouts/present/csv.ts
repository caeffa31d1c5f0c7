/** Payouts as lines of a table: what a list shows, a column each. */
import type { PayoutRecord } from '../rules/contract.ts';
import { presentPayout } from './payout.ts';

type Shown = ReturnType<typeof presentPayout>;

const shown =
  (value: (payout: Shown) => string | null) =>
  (record: PayoutRecord): string | null =>
    value(presentPayout(record));

export const PAYOUT_COLUMNS = {
  id: ({ id }: PayoutRecord) => id,
  status: shown(({ status }) => status),
  amount: shown(({ amount }) => amount),
  fee: shown(({ fee }) => fee),
  currency: ({ currency }: PayoutRecord) => currency,
  reference: ({ reference }: PayoutRecord) => reference,
  payee: ({ destination }: PayoutRecord) => destination.accountTitle,
  bank: ({ destination }: PayoutRecord) => (destination.type === 'bank' ? destination.bankCode : destination.walletCode),
  accountLast4: ({ destination }: PayoutRecord) => destination.accountLast4,
  psp: shown(({ psp }) => psp.name),
  pspReference: shown(({ psp }) => psp.reference),
  attempts: shown(({ attempts }) => String(attempts)),
  failure: shown(({ failure }) => failure?.code ?? null),
  createdAt: ({ createdAt }: PayoutRecord) => createdAt,
  completedAt: ({ completedAt }: PayoutRecord) => completedAt,
};

/** Whose it is, too. */
export const ADMIN_PAYOUT_COLUMNS = {
  ...PAYOUT_COLUMNS,
  state: ({ state }: PayoutRecord) => state,
  merchantId: ({ merchantId }: PayoutRecord) => merchantId,
  kind: ({ kind }: PayoutRecord) => kind,
  ownerId: ({ owner }: PayoutRecord) => owner.id,
  mode: ({ mode }: PayoutRecord) => mode,
};
