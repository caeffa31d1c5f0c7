/** How what a PSP's reply made true is told to the books, whoever heard it: its worker at once, or the workflow. */
import type { FactOutcome } from './contract.ts';
import type { PspFact } from './facts.ts';

interface Told {
  readonly outcome: FactOutcome;
  readonly payout: { readonly sequence: number };
}

/**
 * One fact after the other. What follows was said with what came before it: news of our own making is no news to it.
 * @param askedAt the newest event's number when the PSP was asked.
 * @returns the books' last answer. `stale`: overtaken, the rest was not told; ask the PSP again.
 */
export async function tellInOrder<Answer extends Told>(
  facts: readonly PspFact[],
  askedAt: number,
  tell: (fact: PspFact) => Promise<Answer>,
): Promise<Answer | undefined> {
  let knownAt = askedAt;
  let latest: Answer | undefined;
  for (const fact of facts) {
    latest = await tell({ ...fact, askedAt: knownAt });
    if (latest.outcome === 'stale') return latest;
    if (latest.outcome === 'applied' || latest.outcome === 'ignored') knownAt = latest.payout.sequence;
  }
  return latest;
}
