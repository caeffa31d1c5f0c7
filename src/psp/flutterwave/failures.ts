/**
 * Flutterwave tells in free text why it refuses or fails a transfer. The texts that are known, the class that each
 * belongs to (src/payouts/rules/failures.ts), and our code for it. The first that matches counts.
 */
import type { PspFailure } from '../port.ts';

const reason = (says: RegExp, failureClass: PspFailure['class'], code: string, message: string) => ({
  says,
  failure: { class: failureClass, code, message },
});

const REASONS = [
  reason(/duplicate.*reference|reference.*(exist|already|duplicate|used|unique)/i, 'H', 'duplicate_reference', 'The payment provider knows this reference already.'),
  reason(/insufficient.*(funds|balance)/i, 'D', 'psp_funds_short', 'Our account at the payment provider is short of funds.'),
  reason(/you can only spend|exceeded your \w+ (limit|frequency)/i, 'D', 'psp_limit_reached', 'Our limit at the payment provider is reached.'),
  reason(/beneficiary_name is required/i, 'E', 'beneficiary_name_missing', "The account holder's name is needed for this bank."),
  reason(/unable to obtain user details|account( number)? .*(invalid|not found|does not exist|could not be)|invalid account/i, 'E', 'no_account', 'There is no such account.'),
  reason(/account.*(closed|dormant|inactive)/i, 'F', 'account_closed', 'The account is closed.'),
  // Not said: whose. A person should look before anybody is blocked for it.
  reason(/currently restricted/i, 'F', 'wallet_restricted', 'The payment provider reports a restriction on the account.'),
  reason(/blacklisted account/i, 'A', 'account_blacklisted', 'The payment provider does not pay to this account.'),
  reason(/minimum|below|less than/i, 'A', 'amount_too_small', 'The amount is below what the payment provider sends.'),
  reason(/\b(is|are) (required|invalid)|\bmust be\b|invalid bank/i, 'A', 'invalid_request', 'The payment provider refused the request as invalid.'),
  reason(/please contact support|try again|temporar|unavailable|time(d )?out|network|system (error|malfunction)/i, 'B', 'temporary_failure', 'The payment could not be made at the moment.'),
] as const; // biome-ignore format: a table

/** Our key or address is set wrong there. The payout is not at fault and keeps until an operator has mended it. */
const OUR_SETUP = /whitelist|authori[sz]ation|api key|secret key|transfer via api/i;

export const isOurSetup = (text: string): boolean => OUR_SETUP.test(text);

/** A transfer that has failed for certain. */
export function failureOf(text: string): PspFailure {
  const known = REASONS.find(({ says }) => says.test(text))?.failure;
  // In a failed transfer, "this reference exists" can mean nothing; and what proves nothing must not stand beside FAILED.
  return known === undefined || known.class === 'H' ? otherFailure(text) : known;
}

/**
 * What a refused request proves, if anything. A text that nobody knows may be the one for a reference that was taken
 * before; one that sounds temporary does not say before what. Neither lets us pay a second time.
 */
export function refusalOf(text: string): PspFailure | undefined {
  const known = REASONS.find(({ says }) => says.test(text))?.failure;
  return known?.class === 'H' || known?.class === 'B' ? undefined : known;
}

/** Certain, but for a reason we do not know: trying again on our own could not be justified. */
function otherFailure(text: string): PspFailure {
  const words = text
    .replace(/[\p{Cc}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 200);
  const said = words === '' ? '' : ` It said: ${words}`;
  return { class: 'F', code: 'declined_by_psp', message: `The payment provider declined the payment.${said}` };
}
