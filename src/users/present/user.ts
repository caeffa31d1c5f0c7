/** A user, in the words of the API. */
import type { UserRecord } from '../rules/user.ts';

export interface PublicUser {
  readonly id: string;
  readonly object: 'user';
  readonly externalId: string;
  readonly frozen: boolean;
  readonly livemode: boolean;
  readonly createdAt: string;
}

export function presentUser({
  id,
  externalId,
  frozen,
  mode,
  createdAt,
}: Omit<UserRecord, 'merchantId' | 'sequence'>): PublicUser {
  return { id, object: 'user', externalId, frozen, livemode: mode === 'live', createdAt };
}
