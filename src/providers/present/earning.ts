/** An earning in the words of the API. */
import { formatMajor } from '../../rules/money.ts';
import { type EarningRow, earningStatus } from '../rules/earning.ts';

export function presentEarning(row: EarningRow) {
  const { id, providerId, externalId, currency, description, payoutIds, createdAt } = row;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    id,
    object: 'earning' as const,
    providerId,
    externalId,
    amount: major(row.amount),
    currency,
    status: earningStatus(row),
    available: major(row.available),
    reserved: major(row.reserved),
    paidOut: major(row.paidOut),
    description,
    payoutIds,
    createdAt: new Date(createdAt).toISOString(),
  };
}
