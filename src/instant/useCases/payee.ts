/** Where a payee is paid, as it was given: sealed in the books, and opened for the one payer whose turn it is, or for a payout. */
import { z } from 'zod';
import type { Destination } from '../../payouts/rules/contract.ts';

const opened = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('upi'), upiId: z.string() }),
  z.strictObject({
    type: z.literal('bank'),
    bankCode: z.string(),
    accountNumber: z.string(),
    accountTitle: z.string().nullable(),
  }),
]);

export type PayeeDetails = z.infer<typeof opened>;

/** @throws where it is none: it was sealed by us. */
export const readSealed = (text: string): PayeeDetails => opened.parse(JSON.parse(text));

/** What may be shown to anybody who sees the withdrawal. */
export function labelOf(payee: PayeeDetails): string {
  if (payee.type === 'bank') return `${payee.bankCode} ••${payee.accountNumber.slice(-4)}`;
  const [name = '', bank = ''] = payee.upiId.split('@');
  return `${name.slice(0, 2)}••@${bank}`;
}

/** As a payout's destination. A UPI id is a wallet's: PSPs that pay by UPI know the code. */
export function destinationOf(sealed: string): Destination {
  const payee = readSealed(sealed);
  if (payee.type === 'upi') return { type: 'wallet', walletCode: 'UPI', accountNumber: payee.upiId, accountTitle: null };
  const { bankCode, accountNumber, accountTitle } = payee;
  return { type: 'bank', bankCode, accountNumber, iban: null, accountTitle };
}
