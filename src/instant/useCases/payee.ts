/** Where a payee is paid: sealed in the books, and opened for the one payer whose turn it is, or for a payout. */
import { decryptSecret, encryptSecret, type KeyRing } from '../../crypto/secretBox.ts';
import type { Destination } from '../../payouts/rules/contract.ts';
import { type PayeeDetails, readPayee } from '../rules/payee.ts';
import type { Payee } from '../rules/records.ts';

export const sealPayee = (keys: KeyRing, payee: PayeeDetails): Payee => ({
  type: payee.type,
  label: labelOf(payee),
  sealed: encryptSecret(keys, JSON.stringify(payee)),
});

/** @throws where it is none: it was sealed by us. */
export function openPayee(keys: KeyRing, { sealed }: Payee): PayeeDetails {
  const read = readPayee(JSON.parse(decryptSecret(keys, sealed)));
  if ('faults' in read) throw new Error('a sealed payee cannot be read');
  return read.payee;
}

/** What may be shown to whoever sees the withdrawal. */
function labelOf(payee: PayeeDetails): string {
  if (payee.type === 'bank') return `${payee.bankCode} ••${payee.accountNumber.slice(-4)}`;
  const [name = '', handle = ''] = payee.upiId.split('@');
  return `${name.slice(0, 2)}••@${handle}`;
}

/** As a payout's destination. A UPI id is a wallet's: PSPs that pay by UPI know the code. */
export function destinationOf(payee: PayeeDetails): Destination {
  if (payee.type === 'upi') return { type: 'wallet', walletCode: 'UPI', accountNumber: payee.upiId, accountTitle: null };
  const { bankCode, accountNumber, accountTitle } = payee;
  return { type: 'bank', bankCode, accountNumber, iban: null, accountTitle };
}
