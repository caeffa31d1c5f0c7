/**
 * What happens to a transfer, by the last four digits of the payee's account number. Pure: the same account and the
 * same reference always have the same fate.
 */
import { attemptOf, type Script, type TransferStatus } from '../simulator/transfer.ts';
import type { VerifyReply } from './wire.ts';

/** Late enough to see the payout as SUCCESS first, early enough to wait for (api.md: within a minute). */
export const RETURN_AFTER_MS = 12_000;

/** Why money comes back. */
export const RETURNED_BY_BANK = 'returned_by_bank';

const plain = (status: TransferStatus, reason: string | null = null): Script => ({
  status,
  reason,
  answers: true,
  later: [],
});

const PAID = plain('paid');

type Scenario = (reference: string, returnAfterMs: number) => Script;
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '0001': () => PAID,
  '0002': (reference) => (attemptOf(reference) === 1 ? plain('failed', 'bank_unavailable') : PAID),
  '0003': () => plain('failed', 'declined_by_bank'),
  '0004': () => plain('queued'),
  '0005': () => plain('held', 'compliance_check'),
  '0006': () => plain('failed', 'no_account'),
  '0007': () => plain('failed', 'account_closed'),
  // No callback follows either: only a look-up tells.
  '0008': () => ({ ...PAID, answers: false }),
  '0009': (_, returnAfterMs) => ({
    ...PAID,
    later: [{ status: 'returned', reason: RETURNED_BY_BANK, afterMs: returnAfterMs }],
  }),
};

/** The fate of a transfer; an account without a scenario is paid at once. */
export function scriptOf(accountNumber: string, reference: string, returnAfterMs = RETURN_AFTER_MS): Script {
  return SCENARIOS[accountNumber.slice(-4)]?.(reference, returnAfterMs) ?? PAID;
}

/** The account's owner is told by the digit before the last four. */
const TITLES = [
  'Ayesha Khan', 'Bilal Ahmed', 'Chinedu Okafor', 'Danish Raza', 'Emeka Nwosu',
  'Fatima Malik', 'Ngozi Adeyemi', 'Hamza Sheikh', 'Ibrahim Bello', 'Javeria Siddiqui',
] as const; // biome-ignore format: a list

const NOT_PAYABLE: Readonly<Record<string, string>> = { '0006': 'no_account', '0007': 'account_closed' };

/** What a name enquiry says of an account; never takes the customer's word for the title. */
export function verdictOn(accountNumber: string): VerifyReply {
  const reason = NOT_PAYABLE[accountNumber.slice(-4)];
  if (reason !== undefined) return { valid: false, accountTitle: null, reason };
  const digit = Number.parseInt(accountNumber.slice(-5, -4), 10);
  return { valid: true, accountTitle: TITLES[Number.isNaN(digit) ? 0 : digit] ?? TITLES[0], reason: null };
}
