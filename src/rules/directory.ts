/**
 * The banks and wallets a payout can go to.
 * Codes are text: Nigeria's begin with zeros. Names and licences change; a PSP's own list has the last word.
 */

export interface Bank {
  readonly code: string;
  readonly name: string;
  readonly country: string;
  readonly currency: string;
  /** The bank's four letters in an IBAN; null where the country has no IBANs. */
  readonly ibanCode: string | null;
  readonly bic: string | null;
}

export interface Wallet {
  readonly code: string;
  readonly name: string;
  readonly country: string;
  readonly currency: string;
}

export interface Directory {
  readonly banks: readonly Bank[];
  readonly wallets: readonly Wallet[];
}

// Pakistan: our code, name, IBAN code, BIC. All BICs are the IBAN code and PKKA but Standard Chartered's.
const PK_BANKS = [
  ['HBL', 'Habib Bank', 'HABB', 'HABBPKKA'],
  ['UBL', 'United Bank', 'UNIL', 'UNILPKKA'],
  ['MCB', 'MCB Bank', 'MUCB', 'MUCBPKKA'],
  ['NBP', 'National Bank of Pakistan', 'NBPA', 'NBPAPKKA'],
  ['ABL', 'Allied Bank', 'ABPA', 'ABPAPKKA'],
  ['BAFL', 'Bank Alfalah', 'ALFH', 'ALFHPKKA'],
  ['MEEZAN', 'Meezan Bank', 'MEZN', 'MEZNPKKA'],
  ['BAHL', 'Bank AL Habib', 'BAHL', 'BAHLPKKA'],
  ['FAYSAL', 'Faysal Bank', 'FAYS', 'FAYSPKKA'],
  ['ASKARI', 'Askari Bank', 'ASCM', 'ASCMPKKA'],
  ['SCB', 'Standard Chartered Pakistan', 'SCBL', 'SCBLPKKX'],
  ['HMB', 'Habib Metropolitan Bank', 'MPBL', 'MPBLPKKA'],
  ['BOP', 'Bank of Punjab', 'BPUN', 'BPUNPKKA'],
  ['JS', 'JS Bank', 'JSBL', 'JSBLPKKA'],
] as const;

// Nigeria: the three digits that NIBSS gives a commercial bank; five or six are of those that came later.
const NG_BANKS = [
  ['011', 'First Bank of Nigeria'],
  ['023', 'Citibank Nigeria'],
  ['032', 'Union Bank of Nigeria'],
  ['033', 'United Bank for Africa'],
  ['035', 'Wema Bank'],
  ['044', 'Access Bank'],
  ['050', 'Ecobank Nigeria'],
  ['057', 'Zenith Bank'],
  ['058', 'Guaranty Trust Bank'],
  ['063', 'Access Bank (Diamond)'],
  ['068', 'Standard Chartered Nigeria'],
  ['070', 'Fidelity Bank'],
  ['076', 'Polaris Bank'],
  ['082', 'Keystone Bank'],
  ['100', 'SunTrust Bank'],
  ['101', 'Providus Bank'],
  ['214', 'First City Monument Bank'],
  ['215', 'Unity Bank'],
  ['221', 'Stanbic IBTC Bank'],
  ['232', 'Sterling Bank'],
  ['301', 'Jaiz Bank'],
  ['00103', 'Globus Bank'],
  ['50211', 'Kuda Microfinance Bank'],
  ['50304', 'Mint Microfinance Bank'],
  ['50515', 'Moniepoint Microfinance Bank'],
  ['50823', 'CEMCS Microfinance Bank'],
  ['50931', 'Bowen Microfinance Bank'],
  ['51310', 'Sparkle Microfinance Bank'],
  ['51318', 'FairMoney Microfinance Bank'],
  ['999991', 'PalmPay'],
  ['999992', 'OPay'],
] as const;

const PK_WALLETS = [
  ['EASYPAISA', 'Easypaisa'],
  ['JAZZCASH', 'JazzCash'],
  ['SADAPAY', 'SadaPay'],
  ['NAYAPAY', 'NayaPay'],
] as const;

export const BANKS: readonly Bank[] = [
  ...PK_BANKS.map(([code, name, ibanCode, bic]) => ({ code, name, country: 'PK', currency: 'PKR', ibanCode, bic })),
  ...NG_BANKS.map(([code, name]) => ({ code, name, country: 'NG', currency: 'NGN', ibanCode: null, bic: null })),
];

export const WALLETS: readonly Wallet[] = PK_WALLETS.map(([code, name]) => ({ code, name, country: 'PK', currency: 'PKR' }));

export const DIRECTORY: Directory = { banks: BANKS, wallets: WALLETS };
