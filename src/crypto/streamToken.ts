/**
 * Tokens for live streams: what a browser may hold in place of a key. They say themselves whose they are, sealed under our
 * own keys, so that nothing of them is stored; what they open is looked up each time, by the key that made them.
 */
import { type KeyRing, open, seal } from './secretBox.ts';

/** Long enough to get from a merchant's server to a page and to the stream; one that leaks is soon worth nothing. */
export const STREAM_TOKEN_MS = 5 * 60_000;

/** Known by it wherever it may turn up (masked.ts). */
export const STREAM_TOKEN_PREFIX = 'stk_';

/** Nothing else that we seal opens as a token, and no token as anything else. */
const BOUND_TO = 'stream-token';

const TOKEN = new RegExp(`^${STREAM_TOKEN_PREFIX}([A-Za-z0-9_-]{40,400})$`);

export interface StreamClaim {
  /** Whose key made it: revoked, the token opens nothing. */
  readonly keyId: string;
  /** For the stream of this user alone. */
  readonly userId: string | null;
}

interface Sealed extends StreamClaim {
  readonly until: number;
}

/** In characters that a header, and a subprotocol's name, may hold. */
export function issueStreamToken(keys: KeyRing, { keyId, userId }: StreamClaim, now: number): { token: string; expiresAt: Date } {
  const until = now + STREAM_TOKEN_MS;
  const plain = Buffer.from(JSON.stringify({ keyId, userId, until } satisfies Sealed), 'utf8');
  const name = Buffer.from(keys.currentId, 'utf8'); // which key sealed it: at most 32 bytes
  const bytes = Buffer.concat([Buffer.of(name.length), name, seal(keys, plain, BOUND_TO)]);
  return { token: STREAM_TOKEN_PREFIX + bytes.toString('base64url'), expiresAt: new Date(until) };
}

/** Undefined: none of ours, changed, or its time is over. */
export function readStreamToken(keys: KeyRing, token: string, now: number): StreamClaim | undefined {
  const [, encoded] = TOKEN.exec(token) ?? [];
  if (encoded === undefined) return undefined;
  try {
    const bytes = Buffer.from(encoded, 'base64url');
    const end = 1 + (bytes[0] ?? 0);
    const plain = open(keys, bytes.toString('utf8', 1, end), bytes.subarray(end), BOUND_TO);
    const { keyId, userId, until } = JSON.parse(plain.toString('utf8')) as Sealed; // we wrote it: it is authentic
    return until > now ? { keyId, userId } : undefined;
  } catch {
    return undefined;
  }
}
