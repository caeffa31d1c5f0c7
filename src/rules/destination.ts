/**
 * Where a payout goes: reading what a client sent against the directory. Leading zeros are kept: account numbers are
 * text. Not for workflows, which get the destination as it was accepted here.
 */
import { electronicFormatIBAN, isValidIBAN } from 'ibantools';
import type { Destination } from '../payouts/rules/contract.ts';
import type { Bank, Directory, Wallet } from './directory.ts';
import { accountTitleFault, normalize, pointerToken, TEXT_FAULTS, type TextFault } from './text.ts';

export { type TitleMatch, titleMatch } from './accountTitle.ts';

export type DestinationFault =
  | TextFault
  | 'missing'
  | 'unknown_field'
  | 'unknown_type'
  | 'unknown_bank'
  | 'unknown_wallet'
  | 'invalid_account_number'
  | 'invalid_iban'
  | 'iban_country_not_supported'
  | 'iban_bank_mismatch'
  | 'iban_account_mismatch'
  | 'currency_mismatch';

export interface DestinationError {
  readonly pointer: string;
  readonly code: DestinationFault;
  readonly detail: string;
}

export type ParsedDestination =
  | { readonly ok: true; readonly destination: Destination; readonly country: string; readonly currency: string }
  | { readonly ok: false; readonly status: 400 | 422; readonly errors: readonly DestinationError[] };

/** Each field is right in itself, but together they break a rule: 422. Every other fault is 400. */
const RULE_FAULTS: ReadonlySet<DestinationFault> = new Set([
  'iban_country_not_supported',
  'iban_bank_mismatch',
  'iban_account_mismatch',
  'currency_mismatch',
]);

interface NumberRule {
  readonly pattern: RegExp;
  readonly detail: string;
}

const BANK_NUMBERS: Readonly<Record<string, NumberRule>> = {
  PK: { pattern: /^[0-9]{10,16}$/, detail: 'A Pakistani account number has 10 to 16 digits, as a string.' },
  NG: { pattern: /^[0-9]{10}$/, detail: 'A Nigerian account number (NUBAN) has 10 digits, as a string.' },
};

const WALLET_NUMBERS: Readonly<Record<string, NumberRule>> = {
  PK: { pattern: /^03[0-9]{9}$/, detail: "A Pakistani wallet's number is a mobile number of 11 digits that begins with 03." },
};

/** PK, two check digits, four letters of the bank, sixteen digits of the account. */
const PK_IBAN = /^PK[0-9]{2}([A-Z0-9]{4})([0-9]{16})$/;
/** The longest IBAN there is, printed in groups of four: 34 characters and 8 spaces. */
const IBAN_TEXT_MAX = 42;

const BANK_FIELDS: ReadonlySet<string> = new Set(['type', 'bankCode', 'accountNumber', 'iban', 'accountTitle']);
const WALLET_FIELDS: ReadonlySet<string> = new Set(['type', 'walletCode', 'accountNumber', 'accountTitle']);

/** Collects the faults of one destination, so that a client hears of all of them at once. */
class Faults {
  readonly errors: DestinationError[] = [];
  private readonly at: string;
  constructor(at: string) {
    this.at = at;
  }
  add(field: string, code: DestinationFault, detail: string): undefined {
    this.errors.push({ pointer: this.at + field, code, detail });
  }
  addAtRoot(pointer: string, code: DestinationFault, detail: string): undefined {
    this.errors.push({ pointer, code, detail });
  }
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A payout's destination, or everything that is wrong with it.
 *
 * A bank is named by `bankCode` + `accountNumber`, or by `iban` (Pakistan only for now), which gives both; what is sent
 * besides the IBAN must agree with it. A bank or wallet that is not in the directory is 400 `unknown_bank` /
 * `unknown_wallet`: a wrong value of the field, like any other.
 *
 * `currency` null: any will do (verifying an account moves no money). `at`: where the destination stands in the request.
 */
export function parseDestination(
  input: unknown,
  currency: string | null,
  directory: Directory,
  at = '/destination',
): ParsedDestination {
  const faults = new Faults(at);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    faults.add(
      '',
      input === undefined || input === null ? 'missing' : 'invalid_type',
      'A destination is needed: an object with a type, "bank" or "wallet".',
    );
    return refused(faults);
  }
  const fields: Fields = { ...input };
  const found = readPlace(fields, directory, faults);
  if (found && currency !== null && found.place.currency !== currency) {
    faults.addAtRoot('/currency', 'currency_mismatch', `${found.place.name} takes ${found.place.currency} only.`);
  }
  if (!found || faults.errors.length > 0) return refused(faults);
  return { ok: true, destination: found.destination, country: found.place.country, currency: found.place.currency };
}

interface Found {
  readonly destination: Destination;
  readonly place: Bank | Wallet;
}

function readPlace(fields: Fields, directory: Directory, faults: Faults): Found | undefined {
  const { type } = fields;
  if (type === 'bank') return readBank(fields, directory, faults);
  if (type === 'wallet') return readWallet(fields, directory, faults);
  return faults.add('/type', given(type) ? 'unknown_type' : 'missing', 'Must be "bank" or "wallet".');
}

function refused(faults: Faults): ParsedDestination {
  const isRule = faults.errors.every(({ code }) => RULE_FAULTS.has(code));
  return { ok: false, status: isRule ? 422 : 400, errors: faults.errors };
}

function readBank(fields: Fields, directory: Directory, faults: Faults): Found | undefined {
  refuseOthers(fields, BANK_FIELDS, faults);
  const accountTitle = readTitle(fields, faults);
  if (fields['iban'] !== undefined && fields['iban'] !== null) return readIban(fields, directory, accountTitle, faults);

  const place = readCode(fields, 'bankCode', directory.banks, 'unknown_bank', faults);
  const accountNumber = readNumber(fields, place ? BANK_NUMBERS[place.country] : undefined, faults);
  if (!place || accountNumber === undefined) return undefined;
  return { place, destination: { type: 'bank', bankCode: place.code, accountNumber, iban: null, accountTitle } };
}

function readWallet(fields: Fields, directory: Directory, faults: Faults): Found | undefined {
  refuseOthers(fields, WALLET_FIELDS, faults);
  const accountTitle = readTitle(fields, faults);
  const place = readCode(fields, 'walletCode', directory.wallets, 'unknown_wallet', faults);
  const accountNumber = readNumber(fields, place ? WALLET_NUMBERS[place.country] : undefined, faults);
  if (!place || accountNumber === undefined) return undefined;
  return { place, destination: { type: 'wallet', walletCode: place.code, accountNumber, accountTitle } };
}

function readIban(fields: Fields, directory: Directory, accountTitle: string | null, faults: Faults): Found | undefined {
  const text = fields['iban'];
  if (typeof text !== 'string') return faults.add('/iban', 'invalid_type', 'Must be a string.');
  const iban = text.length <= IBAN_TEXT_MAX && /^[A-Za-z0-9 ]+$/.test(text) ? electronicFormatIBAN(text) : null;
  if (iban === null || !isValidIBAN(iban)) {
    return faults.add('/iban', 'invalid_iban', 'This is no IBAN: its length, its characters or its check digits are wrong.');
  }
  const match = PK_IBAN.exec(iban);
  if (!match) return faults.add('/iban', 'iban_country_not_supported', 'Only Pakistani IBANs (PK…) can be paid to.');
  const [, ibanCode = '', accountNumber = ''] = match;
  const place = directory.banks.find((bank) => bank.ibanCode === ibanCode);
  if (!place) return faults.add('/iban', 'unknown_bank', 'The bank of this IBAN is not in the directory.');

  if (given(fields['bankCode']) && fields['bankCode'] !== place.code) {
    faults.add(
      '/bankCode',
      'iban_bank_mismatch',
      `The IBAN is of ${place.code}, another bank. Leave bankCode out or correct it.`,
    );
  }
  if (given(fields['accountNumber']) && !isSameAccount(fields['accountNumber'], accountNumber)) {
    faults.add(
      '/accountNumber',
      'iban_account_mismatch',
      'The IBAN is of another account. Leave accountNumber out or correct it.',
    );
  }
  return { place, destination: { type: 'bank', bankCode: place.code, accountNumber, iban, accountTitle } };
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

/** An IBAN fills an account number up to 16 digits with zeros in front. */
const isSameAccount = (sent: unknown, ofIban: string): boolean =>
  typeof sent === 'string' && /^[0-9]{10,16}$/.test(sent) && sent.padStart(16, '0') === ofIban;

function readCode<Place extends Bank | Wallet>(
  fields: Fields,
  field: 'bankCode' | 'walletCode',
  places: readonly Place[],
  unknown: 'unknown_bank' | 'unknown_wallet',
  faults: Faults,
): Place | undefined {
  const code = fields[field];
  if (!given(code))
    return faults.add(
      `/${field}`,
      'missing',
      field === 'bankCode' ? 'A bank needs bankCode and accountNumber, or iban.' : 'A wallet needs walletCode.',
    );
  if (typeof code !== 'string') return faults.add(`/${field}`, 'invalid_type', 'Must be a string.');
  const place = places.find((each) => each.code === code);
  return place ?? faults.add(`/${field}`, unknown, 'Not in the directory: see GET /api/v1/directory for the codes.');
}

function readNumber(fields: Fields, rule: NumberRule | undefined, faults: Faults): string | undefined {
  const number = fields['accountNumber'];
  if (!given(number)) return faults.add('/accountNumber', 'missing', 'An account number is needed.');
  // As a JSON number it has lost its leading zeros already.
  if (typeof number !== 'string')
    return faults.add('/accountNumber', 'invalid_type', 'Must be a string, so that leading zeros are kept.');
  if (!rule) return undefined; // no bank or wallet, said already
  return rule.pattern.test(number) ? number : faults.add('/accountNumber', 'invalid_account_number', rule.detail);
}

function readTitle(fields: Fields, faults: Faults): string | null {
  const title = fields['accountTitle'];
  if (title === undefined || title === null) return null;
  const code = accountTitleFault(title);
  if (code !== undefined || typeof title !== 'string') {
    faults.add('/accountTitle', code ?? 'invalid_type', TEXT_FAULTS[code ?? 'invalid_type']);
    return null;
  }
  return normalize(title);
}

function refuseOthers(fields: Fields, known: ReadonlySet<string>, faults: Faults): void {
  for (const field of Object.keys(fields)) {
    if (!known.has(field) && fields[field] !== undefined)
      faults.add(`/${pointerToken(field)}`, 'unknown_field', 'There is no such field here.');
  }
}

/** The last four digits: all that a client or a log sees of an account number again. */
export const last4 = (accountNumber: string): string => accountNumber.slice(-4);

/** An account number for people to read: `••0001`. */
export const maskAccount = (accountNumber: string): string => `••${last4(accountNumber)}`;
