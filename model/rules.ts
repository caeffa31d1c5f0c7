/** The rules under exploration: today's, from the product's own code. What is broken on purpose (breaks.ts) is a change of them. */
import { tell } from '../src/payouts/rules/books.ts';
import { factsOf, isNews } from '../src/payouts/rules/facts.ts';
import { isRepeated } from '../src/payouts/rules/machine.ts';
import { hear, next } from '../src/payouts/rules/next.ts';

export interface Rules {
  /** What the ledger's door makes of a fact. */
  readonly tell: typeof tell;
  /** What a workflow takes in, and what it does next. */
  readonly hear: typeof hear;
  readonly next: typeof next;
  /** What a PSP's reply makes true, and whether it is news. */
  readonly factsOf: typeof factsOf;
  readonly isNews: typeof isNews;
  /** Whether a message only repeats what the books have closed with. */
  readonly isRepeated: typeof isRepeated;
}

export const TODAY: Rules = { tell, hear, next, factsOf, isNews, isRepeated };
