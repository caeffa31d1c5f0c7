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
  ['REPAY', 'available', 'debt'], // out of new money, before anything else
  ['REVERSE', 'clearing', 'available'],
  ['REVERSE', 'clearing', 'debt'],
  ['PSP_FEE', 'psp_fees', 'clearing'],
  ['EARNING', 'available', 'transit'],
  ['EARNING', 'transit', 'available'],
] as const;

export type EntryType = (typeof ENTRY_KINDS)[number][0];

export const ENTRY_TYPES: readonly EntryType[] = [...new Set(ENTRY_KINDS.map(([type]) => type))];

/** Our own expense: it moves nothing of an owner's. */
export const NOT_OWNERS = 'PSP_FEE' satisfies EntryType;
