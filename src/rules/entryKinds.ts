/** What a ledger entry may do: from which account to which, by its type. The invariants check it, the API names it. */
export const ENTRY_KINDS = [
  ['FUND', 'funding', 'available'],
  ['RESERVE', 'available', 'reserved'],
  ['RELEASE', 'reserved', 'available'],
  ['SETTLE', 'reserved', 'clearing'],
  ['SETTLE', 'available', 'clearing'], // paid after its money was released
  ['FEE', 'reserved', 'fees'],
  ['FEE', 'available', 'fees'],
  ['DEBT', 'debt', 'clearing'], // and the money was gone
  ['DEBT', 'debt', 'fees'],
  ['DEBT', 'debt', 'owed'], // to another owner, who has it once it is repaid
  ['DEBT_BACK', 'owed', 'debt'], // it turned out never to have been owed
  ['REPAID', 'owed', 'available'],
  ['REPAY', 'available', 'debt'], // out of new money, before anything else
  ['REVERSE', 'clearing', 'available'],
  ['REVERSE', 'clearing', 'debt'],
  ['PSP_FEE', 'psp_fees', 'clearing'],
  ['EARNING', 'available', 'available'], // a merchant's, and a provider's
  ['USER_CREDIT', 'available', 'available'], // a merchant's, and its user's
  ['USER_DEBIT', 'available', 'available'], // and back
  ['BANK_DEPOSIT', 'available', 'available'], // a merchant's, and its bank's
  ['BANK_WITHDRAW', 'available', 'available'], // and back
  ['BET', 'available', 'reserved'], // a user's own stake
  ['LOSS', 'reserved', 'available'], // a user's stake, and the bank's
  ['STAKE', 'reserved', 'reserved'], // a winner's stake goes into what the bank pays
  ['WIN', 'reserved', 'available'], // the bank's, and the user's
  ['REFUND', 'reserved', 'available'], // a user's own stake, of a void game
  ['WIN_BACK', 'available', 'available'], // of a void game that was settled: the user's, and the bank's
  ['STAKE_BACK', 'available', 'reserved'], // the bank's, and the user's
  ['COMMITMENT', 'available', 'available'], // a user's stake, and the market's pool
  ['DISTRIBUTION', 'available', 'available'], // the pool's, and a winner's
  ['STAKE_RETURN', 'available', 'available'], // the pool's, and the user's: of a market that was resolved as void, or for nobody
  ['DISTRIBUTION_BACK', 'available', 'available'], // of a rollback: a user's, and the pool's
  ['MARKET_FEE', 'available', 'available'], // the pool's, and the merchant's, or the creator's
  ['MARKET_FEE_BACK', 'available', 'available'], // of a rollback: back
  ['COVER', 'available', 'available'], // the merchant's, and the pool's: what winners owe who have spent what is taken back
  ['WITHDRAWAL', 'available', 'reserved'], // a payee's own, until each slice of it is paid
  ['WITHDRAWAL_BACK', 'reserved', 'available'], // a slice that nobody paid, or not really
  ['SLICE', 'reserved', 'available'], // the payee's, and the payer's, who paid it in cash
  ['SLICE_BACK', 'available', 'reserved'], // of a payer who did not: back to the payee
] as const;

export type EntryType = (typeof ENTRY_KINDS)[number][0];

export const ENTRY_TYPES: readonly EntryType[] = [...new Set(ENTRY_KINDS.map(([type]) => type))];

/** What may go from an owner of one merchant to one of another: people pay each other, whosever they are, and owe each other. */
export const BETWEEN_MERCHANTS = ['SLICE', 'SLICE_BACK', 'DEBT', 'DEBT_BACK'] as const satisfies readonly EntryType[];

/**
 * What comes into an owner's available and repays nothing of what the owner owes; everything else repays first. It was the owner's all
 * the time, and nobody can keep money from whom it is owed to by it. A withdrawal's is not among them (WITHDRAWAL_BACK): its payee may
 * open it before a debt is booked, and cancel it after.
 */
export const OWN_AGAIN = [
  'RELEASE', // of a payout that may be sent again: what was set aside for it must be there for it; of what a game held of its bank, who does not end it at will
  'REFUND', // of a game that its merchant, and no player, called void
  'REPAID', // so that two who owe each other wait for nobody
] as const satisfies readonly EntryType[];

/** What each owner has: the columns of its balance. */
const OWNED: readonly string[] = ['available', 'reserved', 'debt'];

/** Those that move something of an owner's. */
export const OWNERS_TYPES: readonly EntryType[] = [
  ...new Set(ENTRY_KINDS.filter(([, debit, credit]) => OWNED.includes(debit) || OWNED.includes(credit)).map(([type]) => type)),
];
