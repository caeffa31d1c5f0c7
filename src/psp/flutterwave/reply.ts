/** From what Flutterwave says of a transfer to what is certain about it. Pure. */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { PspDestination, PspOrder, PspReply } from '../port.ts';
import { feeMinorOf, minorOf } from './amounts.ts';
import { failureOf } from './failures.ts';
import type { Transfer } from './wire.ts';

/** Test and live count their transfers each from 1, and our books keep the ids of both. */
const REF_PREFIX: Readonly<Record<Mode, string>> = { test: 'test_', live: '' };

/** Our name for a transfer of theirs, */
export const pspRefOf = (mode: Mode, { id }: Pick<Transfer, 'id'>): string => `${REF_PREFIX[mode]}${id}`;
/** and back. */
export const transferIdOf = (mode: Mode, pspRef: string): string => pspRef.slice(REF_PREFIX[mode].length);

/**
 * Our reference in theirs: without what a retry in their dashboard appends, and without what tells their test mode
 * what to play.
 */
export function referenceIn(theirs: string): string {
  return theirs.replace(/_RETRY_\d+$/, '').replace(/_PMCK[A-Z0-9_]*$/, '');
}

/** How they name the payee's bank or wallet, and the account there. */
export function accountOf(destination: PspDestination): { account_bank: string; account_number: string } {
  const account_bank = destination.type === 'bank' ? destination.bankCode : destination.walletCode;
  return { account_bank, account_number: destination.accountNumber };
}

/** The PSP's word for this transfer, once it is certain that it is this transfer. */
export function replyTo(order: PspOrder, transfer: Transfer, mode: Mode): PspReply {
  const pspRef = pspRefOf(mode, transfer);
  const different = differences(order, transfer);
  if (different.length > 0) return { kind: 'mismatch', pspRef, detail: `differs in ${different.join(', ')}` };
  const text = transfer.complete_message ?? '';
  switch (transfer.status) {
    case 'NEW':
    case 'PENDING':
      return transfer.requires_approval && !transfer.is_approved
        ? { kind: 'accepted', stage: 'held', pspRef, reason: 'waits for an approval in the Flutterwave dashboard' }
        : { kind: 'accepted', stage: 'processing', pspRef, reason: null };
    case 'SUCCESSFUL':
      return { kind: 'paid', pspRef, ...feeOf(transfer) };
    case 'FAILED':
      // It has no word for what a bank sends back: what was SUCCESSFUL is FAILED then.
      return order.isPaid
        ? { kind: 'returned', pspRef, reason: text === '' ? 'returned' : text, ...feeOf(transfer) }
        : { kind: 'failed', pspRef, failure: failureOf(text) };
  }
}

/** Names the fields, not their values: an account number has no business in a timeline. */
function differences(order: PspOrder, transfer: Transfer): string[] {
  const { account_bank, account_number } = accountOf(order.destination);
  const checks: readonly [string, boolean][] = [
    ['reference', referenceIn(transfer.reference) === order.reference],
    ['amount', minorOf(transfer.amount, order.currency) === order.amountMinor],
    ['currency', transfer.currency === order.currency],
    ['account', transfer.bank_code === account_bank && transfer.account_number === account_number],
  ];
  return checks.filter(([, same]) => !same).map(([field]) => field);
}

/** Of a wallet in another currency, which pays by conversion, we do not know what the fee is in. */
function feeOf({ fee, currency, debit_currency }: Transfer): { feeMinor?: string } {
  const isOurs = debit_currency === null || debit_currency === undefined || debit_currency === currency;
  const minor = isOurs && fee !== null && fee !== undefined ? feeMinorOf(fee, currency) : undefined;
  return minor === undefined || minor === 0n ? {} : { feeMinor: minor.toString() };
}
