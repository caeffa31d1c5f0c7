/**
 * What a market pays, written down once more in the plainest way there is, to compare with: no plan, no cut, every user in
 * one list. Shares nothing with src/markets/rules/shares.ts.
 */
export interface Committed {
  readonly userId: string;
  readonly optionId: string;
  readonly amount: bigint;
}

export function referencePayouts(
  { houseFeeBps, creatorFeeBps, feeBase }: { houseFeeBps: number; creatorFeeBps: number; feeBase: string },
  commitments: readonly Committed[],
  outcome: string,
): { payouts: Map<string, bigint>; house: bigint; creator: bigint } {
  const add = (all: readonly Committed[]) => all.reduce((total, { amount }) => total + amount, 0n);
  const pool = add(commitments);
  const winning = commitments.filter(({ optionId }) => optionId === outcome);
  const counted = winning.length > 0 ? winning : commitments;
  const base = winning.length === 0 ? 0n : feeBase === 'gross' ? pool : pool - add(winning);
  const fees = (base * BigInt(houseFeeBps + creatorFeeBps)) / 10_000n;
  const creator = (base * BigInt(creatorFeeBps)) / 10_000n;
  const users = [...new Set(commitments.map(({ userId }) => userId))].sort();
  const rows = users.map((userId) => {
    const exact = (pool - fees) * add(counted.filter((each) => each.userId === userId));
    const stakes = add(counted);
    return { userId, payout: exact / stakes, rest: exact % stakes };
  });
  let left = pool - fees - rows.reduce((total, { payout }) => total + payout, 0n);
  for (const row of [...rows].sort((a, b) => (a.rest === b.rest ? (a.userId < b.userId ? -1 : 1) : a.rest > b.rest ? -1 : 1))) {
    if (left > 0n) row.payout += 1n;
    if (left > 0n) left -= 1n;
  }
  return { payouts: new Map(rows.map(({ userId, payout }) => [userId, payout])), house: fees - creator, creator };
}
