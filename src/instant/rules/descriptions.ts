/** What a withdrawal, or the payment of a slice of one, did to a user's money, in a sentence. */
import { spoken } from '../../rules/spoken.ts';

type Money = Parameters<typeof spoken>[0];

export const withdrawn = (money: Money): string => `Withdrew ${spoken(money)}, until it is paid`;
export const withdrawnBack = (money: Money): string => `${spoken(money)} of a withdrawal came back`;
export const deposited = (money: Money): string => `Deposited ${spoken(money)}, by paying somebody's withdrawal`;
export const depositTakenBack = (money: Money): string => `Took back a deposit of ${spoken(money)} that was not paid`;
export const repaidTo = (money: Money): string => `Got ${spoken(money)} that somebody owed`;
