/** What a merchant's keys are for. */

/** What a merchant's key may be limited to; a key with none may do everything. */
export const SCOPES = [
  'payouts:read',
  'payouts:write',
  'balance:read',
  'directory:read',
  'webhooks:read',
  'webhooks:write',
  'providers:read',
  'providers:write',
  'users:read',
  'users:write',
  'games:read',
  'games:write',
  'markets:read',
  'markets:write',
  'instant:read',
  'instant:write',
  'bank-credits:write',
  'keys:read',
  'keys:write',
] as const;
export type Scope = (typeof SCOPES)[number];
