/**
 * Tokens that a browser may hold in place of a key. They say themselves whose they are and what for, sealed under our own keys,
 * so that nothing of them is stored; what they open is looked up each time, by the key that made them.
 */
import { type KeyRing, open, seal } from './secretBox.ts';

export interface TokenKind {
  /** Known by it wherever it may turn up (masked.ts). */
  readonly prefix: string;
  /** Nothing else that we seal opens as such a token, and no such token as anything else. */
  readonly boundTo: string;
  readonly lastsMs: number;
  /** Behind the prefix: a longer one is none of ours, and not worth a try. */
  readonly charactersMost: number;
}

interface Sealed {
  readonly claim: unknown;
  readonly until: number;
}

/** In characters that a header, a subprotocol's name and a URL's fragment may hold. */
export function sealToken(keys: KeyRing, kind: TokenKind, claim: object, now: number): { token: string; expiresAt: Date } {
  const until = now + kind.lastsMs;
  const plain = Buffer.from(JSON.stringify({ claim, until } satisfies Sealed), 'utf8');
  const name = Buffer.from(keys.currentId, 'utf8'); // which key sealed it: at most 32 bytes
  const bytes = Buffer.concat([Buffer.of(name.length), name, seal(keys, plain, kind.boundTo)]);
  return { token: kind.prefix + bytes.toString('base64url'), expiresAt: new Date(until) };
}

/** What was claimed. Undefined: none of ours, changed, or its time is over. */
export function openToken(keys: KeyRing, kind: TokenKind, token: string, now: number): unknown {
  const encoded = token.slice(kind.prefix.length);
  if (!token.startsWith(kind.prefix) || encoded.length > kind.charactersMost || !/^[A-Za-z0-9_-]{40,}$/.test(encoded))
    return undefined;
  try {
    const bytes = Buffer.from(encoded, 'base64url');
    const end = 1 + (bytes[0] ?? 0);
    const plain = open(keys, bytes.toString('utf8', 1, end), bytes.subarray(end), kind.boundTo);
    const { claim, until } = JSON.parse(plain.toString('utf8')) as Sealed; // we wrote it: it is authentic
    return until > now ? claim : undefined;
  } catch {
    return undefined;
  }
}
