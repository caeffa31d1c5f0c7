/** What a game did to a user's money, in a sentence: `Won ₹100,000 on ANDAR`. */
import { type Money, spoken } from '../../rules/spoken.ts';

/** Of several sides, which a loss may name: `ANDAR and BAHAR`. */
const sides = (side: string | null): string => (side === null ? '' : ` on ${side.toUpperCase().split(',').join(' and ')}`);

const sentence =
  (verb: string) =>
  (money: Money & { readonly side: string | null }): string =>
    `${verb} ${spoken(money)}${sides(money.side)}`;

export const betOn = sentence('Bet');
export const wonOn = sentence('Won');
export const lostOn = sentence('Lost');
export const refunded = sentence('Refunded');
export const takenBack = sentence('Took back');
