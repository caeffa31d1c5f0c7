/** Tokens for hosted pages: each opens one page of one user, about one withdrawal or one payin. */
import { openToken, sealToken, type TokenKind } from './sealedToken.ts';
import type { KeyRing } from './secretBox.ts';

/**
 * A payer waits half an hour for a slice, then has a quarter of one to pay, and comes back with a screenshot (the usual policy):
 * this is twice as long. Whoever comes later comes by their merchant's own page, which gets another one.
 */
export const PAGE_TOKEN_MS = 2 * 3_600_000;

export const PAGE_TOKEN_PREFIX = 'ptk_';

/** Characters, as it is written once: what its user goes back to is in it, and it must fit into a header. */
export const RETURN_URL_MOST = 1_000;

const PAGE: TokenKind = {
  prefix: PAGE_TOKEN_PREFIX,
  boundTo: 'page-token',
  lastsMs: PAGE_TOKEN_MS,
  charactersMost: 4_000, // base64 of three ids and the longest URL, each of whose characters JSON may write as two
};

export interface PageSubject {
  readonly kind: 'withdrawal' | 'payin';
  readonly id: string;
}

export interface PageClaim {
  /** Whose key made it: revoked, the token opens nothing. */
  readonly keyId: string;
  readonly userId: string;
  readonly subject: PageSubject;
  /** Where the page leads back to. */
  readonly returnUrl: string | null;
}

export const issuePageToken = (keys: KeyRing, { keyId, userId, subject, returnUrl }: PageClaim, now: number) =>
  sealToken(keys, PAGE, { keyId, userId, subject, returnUrl }, now);

/** Undefined: none of ours, changed, or its time is over. */
export const readPageToken = (keys: KeyRing, token: string, now: number): PageClaim | undefined =>
  openToken(keys, PAGE, token, now) as PageClaim | undefined;
