/** The keys of web push: a browser's, that we encrypt for, and our own (VAPID), that push services know us by. */
import { createECDH } from 'node:crypto';

/** Of a browser's subscription, base64url: its P-256 point and the secret it shares with us. */
export interface PushKeys {
  readonly p256dh: string;
  readonly auth: string;
}

export interface VapidKeys {
  /** base64url of a P-256 point; a browser subscribes under it. */
  readonly publicKey: string;
  readonly privateKey: string;
  /** `mailto:` or `https:`: how a push service reaches who sends. */
  readonly subject: string;
}

const CURVE = 'prime256v1';
const POINT_BYTES = 65; // uncompressed: 0x04, x, y
const AUTH_BYTES = 16;
const PRIVATE_BYTES = 32;

export function newVapidPair(): Pick<VapidKeys, 'publicKey' | 'privateKey'> {
  const pair = createECDH(CURVE);
  const publicKey = pair.generateKeys().toString('base64url');
  return { publicKey, privateKey: padded(pair.getPrivateKey()).toString('base64url') };
}

/** Is it a point that one can encrypt for? A push to any other would fail every time. */
export function isPushPoint(p256dh: string): boolean {
  const point = bytesOf(p256dh, POINT_BYTES);
  if (!point) return false;
  const ours = createECDH(CURVE);
  ours.generateKeys();
  try {
    ours.computeSecret(point);
    return true;
  } catch {
    return false; // not on the curve
  }
}

export const isPushSecret = (auth: string): boolean => bytesOf(auth, AUTH_BYTES) !== undefined;

/** Do these belong together? Push services refuse what is signed with another key than a browser subscribed under. */
export function isVapidPair(publicKey: string, privateKey: string): boolean {
  const secret = bytesOf(privateKey, PRIVATE_BYTES);
  if (!secret) return false;
  const pair = createECDH(CURVE);
  try {
    pair.setPrivateKey(secret);
  } catch {
    return false; // zero, or beyond the curve's order
  }
  return pair.getPublicKey().toString('base64url') === publicKey;
}

/** Browsers write base64url, with or without padding. */
function bytesOf(text: string, length: number): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === length ? bytes : undefined;
}

/** A small number comes without its leading zeros. */
const padded = (secret: Buffer): Buffer => Buffer.concat([Buffer.alloc(PRIVATE_BYTES - secret.length), secret]);
