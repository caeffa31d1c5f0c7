/** What a market did to a user's money, in a sentence: `Won ₹100,000 in a market`. */
import { type Money, spoken } from '../../rules/spoken.ts';

const sentence =
  (verb: string, where: string) =>
  (money: Money): string =>
    `${verb} ${spoken(money)} ${where}`;

export const committed = sentence('Staked', 'in a market');
export const distributed = sentence('Won', 'in a market');
export const returned = sentence('Got back', 'of a market that was not decided');
export const undone = sentence('Took back', 'of a market that was rolled back');
export const earned = sentence('Earned', 'as the creator of a market');
export const unearned = sentence('Took back', 'of a creator’s fee');
