/** Tokens for live streams. */
import { openToken, sealToken, type TokenKind } from './sealedToken.ts';
import type { KeyRing } from './secretBox.ts';

/** Long enough to get from a merchant's server to a page and to the stream; one that leaks is soon worth nothing. */
export const STREAM_TOKEN_MS = 5 * 60_000;

export const STREAM_TOKEN_PREFIX = 'stk_';

const STREAM: TokenKind = {
  prefix: STREAM_TOKEN_PREFIX,
  boundTo: 'stream-token',
  lastsMs: STREAM_TOKEN_MS,
  charactersMost: 400, // two ids, twice over
};

export interface StreamClaim {
  /** Whose key made it: revoked, the token opens nothing. */
  readonly keyId: string;
  /** For the stream of this user alone. */
  readonly userId: string | null;
}

export const issueStreamToken = (keys: KeyRing, { keyId, userId }: StreamClaim, now: number) =>
  sealToken(keys, STREAM, { keyId, userId }, now);

/** Undefined: none of ours, changed, or its time is over. */
export const readStreamToken = (keys: KeyRing, token: string, now: number): StreamClaim | undefined =>
  openToken(keys, STREAM, token, now) as StreamClaim | undefined;
