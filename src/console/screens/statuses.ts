/** The states of a payout, in the words of the API, as somebody looks for them. */
import type { Schemas } from '../api.ts';

export const STATUSES = [
  'IN_REVIEW',
  'ON_HOLD',
  'PENDING',
  'RETRY',
  'PROCESSING',
  'SUCCESS',
  'FAILED',
  'REJECTED',
  'CANCELLED',
  'RETURNED',
] as const satisfies readonly Schemas['Payout']['status'][];
