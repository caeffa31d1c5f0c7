/** A user of a merchant's, as events carry it. */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { UserTransaction } from './transactions.ts';

/** What the SQL function user_record writes. */
export interface UserRecord {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly externalId: string;
  readonly frozen: boolean;
  readonly sequence: number;
  readonly createdAt: string;
}

/** A balance as it was when the event's transaction committed: what the SQL function balance_record writes. */
export interface BalanceRecord {
  readonly currency: string;
  readonly availableMinor: string;
  readonly reservedMinor: string;
  readonly debtMinor: string;
  /** Counts up with every movement: of two, the higher is newer. */
  readonly version: number;
}

/** The merchant moved the user's money. */
export interface MovedRecord extends UserRecord {
  readonly transaction: UserTransaction;
  readonly balance: BalanceRecord;
}

/** Each with the record of its event. */
interface Events {
  readonly 'user.credited': MovedRecord;
  readonly 'user.debited': MovedRecord;
  readonly 'user.frozen': UserRecord;
  readonly 'user.unfrozen': UserRecord;
}

export const USER_EVENTS = ['user.credited', 'user.debited', 'user.frozen', 'user.unfrozen'] as const satisfies (keyof Events)[];
export type UserEvents = Pick<Events, (typeof USER_EVENTS)[number]>;
