/** An earning, and where it stands. */

/** An earning with what payouts hold of it and have paid out. Amounts as text: JSON numbers lose digits. */
export interface EarningRow {
  readonly id: string;
  readonly providerId: string;
  readonly externalId: string;
  readonly currency: string;
  readonly amount: string;
  readonly available: string;
  readonly reserved: string;
  readonly paidOut: string;
  readonly description: string | null;
  readonly payoutIds: readonly string[];
  /** As PostgreSQL writes a time in JSON. */
  readonly createdAt: string;
}

export const EARNING_STATUSES = ['AVAILABLE', 'RESERVED', 'PAID_OUT'] as const;

/** While any of it is left it can be asked for; what is neither left nor held has been paid. */
export function earningStatus({ available, reserved }: EarningRow): (typeof EARNING_STATUSES)[number] {
  if (available !== '0') return 'AVAILABLE';
  return reserved === '0' ? 'PAID_OUT' : 'RESERVED';
}
