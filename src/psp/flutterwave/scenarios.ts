/**
 * What happens to a transfer at the simulator. With one of Flutterwave's own test suffixes in its reference: what that
 * says, minutes later. Else by the last four digits of the payee's account, as at our sandbox, and soon. Pure.
 */
import { attemptOf, type Script, type Step } from '../simulator/transfer.ts';
import { referenceIn } from './reply.ts';

export interface Times {
  /** From NEW to the end, without a suffix. */
  readonly settleAfterMs: number;
  /** How long account 0009 stays paid. */
  readonly returnAfterMs: number;
  /** A minute of the suffixes. */
  readonly minuteMs: number;
}

/** The texts of failed transfers. */
export const TEXTS = {
  temporary: 'DISBURSE FAILED: Transfer failed. Please contact support',
  shortOfFunds: 'DISBURSE FAILED: Insufficient funds in customer wallet',
  noAccount: 'DISBURSE FAILED: Unable to obtain user details',
  closed: 'DISBURSE FAILED: Beneficiary account is closed',
  returned: 'DISBURSE FAILED: Transfer reversed by the beneficiary bank',
  rejected: 'Transfer rejected',
} as const;

const paid = (afterMs: number): Step => ({ status: 'paid', reason: null, afterMs });
const failed = (reason: string, afterMs: number): Step => ({ status: 'failed', reason, afterMs });
/** Its answers to a request say NEW, whatever becomes of it. */
const queued = (...later: Step[]): Script => ({ status: 'queued', reason: null, answers: true, later });

type Scenario = (attempt: number, times: Times) => Script;
const PAID: Scenario = (_, { settleAfterMs }) => queued(paid(settleAfterMs));
const FAILED =
  (reason: string): Scenario =>
  (_, { settleAfterMs }) =>
    queued(failed(reason, settleAfterMs));

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '0001': PAID,
  '0002': (attempt, times) => (attempt === 1 ? FAILED(TEXTS.temporary) : PAID)(attempt, times),
  '0003': FAILED(TEXTS.temporary),
  '0004': (_, { settleAfterMs }) => queued({ status: 'processing', reason: null, afterMs: settleAfterMs }),
  '0006': FAILED(TEXTS.noAccount),
  '0007': FAILED(TEXTS.closed),
  '0008': (attempt, times) => ({ ...PAID(attempt, times), answers: false }),
  '0009': (_, { settleAfterMs, returnAfterMs }) =>
    queued(paid(settleAfterMs), { status: 'returned', reason: TEXTS.returned, afterMs: returnAfterMs }),
};

/** `_PMCK`, `_PMCKDU_3`, `_PMCK_ST_F`, `_PMCK_ST_FDU_3`: paid or failed, after ten minutes or so many. */
const SUFFIX = /_PMCK(_ST_F)?(?:DU_([1-9]\d{0,3}))?$/;
const SUFFIX_MINUTES = 10;

export function scriptOf(accountNumber: string, reference: string, times: Times): Script {
  const [suffix, fails, minutes] = SUFFIX.exec(reference) ?? [];
  if (suffix !== undefined) {
    const afterMs = times.minuteMs * (minutes === undefined ? SUFFIX_MINUTES : Number.parseInt(minutes, 10));
    return queued(fails ? failed(TEXTS.temporary, afterMs) : paid(afterMs));
  }
  return (SCENARIOS[accountNumber.slice(-4)] ?? PAID)(attemptIn(reference), times);
}

/** Once it is approved it is paid. */
export const needsApproval = (accountNumber: string): boolean => accountNumber.endsWith('0005');

/** The customer's attempt and its retries here: `…:2` is the second, and so is `…:1_RETRY_1`. */
function attemptIn(reference: string): number {
  const retries = /_RETRY_([1-9]\d{0,3})$/.exec(reference)?.[1] ?? '0';
  return attemptOf(referenceIn(reference)) + Number.parseInt(retries, 10);
}

/** The account's owner is told by the digit before the last four; some accounts are Flutterwave's own for tests. */
const OWNERS = [
  'Chinedu Okafor', 'Emeka Nwosu', 'Ngozi Adeyemi', 'Ibrahim Bello', 'Amaka Eze',
  'Tunde Bakare', 'Folake Ojo', 'Yusuf Danjuma', 'Kemi Afolabi', 'Uche Obi',
] as const; // biome-ignore format: a list
const TEST_OWNERS: Readonly<Record<string, string>> = {
  '0690000032': 'Pastor Bright',
  '0690000034': 'Ade Bond',
  '0690000040': 'Alexis Sanchez',
};

/** Undefined where there is no such account. */
export function ownerOf(accountNumber: string): string | undefined {
  if (['0006', '0007'].includes(accountNumber.slice(-4))) return undefined;
  const digit = Number.parseInt(accountNumber.slice(-5, -4), 10);
  return TEST_OWNERS[accountNumber] ?? OWNERS[Number.isNaN(digit) ? 0 : digit];
}

/** Flutterwave's one account to which nobody can pay. */
export const isBlacklisted = (bank: string, accountNumber: string): boolean => bank === '044' && accountNumber === '0690000036';

/** What a transfer of so much costs: 10, 25 or 50 naira and 7.5 % VAT on them. */
const FEES_NGN: readonly { readonly upToMinor: bigint | null; readonly fee: string }[] = [
  { upToMinor: 500_000n, fee: '10.75' },
  { upToMinor: 5_000_000n, fee: '26.875' },
  { upToMinor: null, fee: '53.75' },
];

export function feeOf(amountMinor: bigint, currency: string): string {
  if (currency !== 'NGN') return '0';
  return FEES_NGN.find(({ upToMinor }) => upToMinor === null || amountMinor <= upToMinor)?.fee ?? '0';
}
