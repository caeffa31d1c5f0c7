/**
 * Browsers and their push service: a real HTTP server that takes what web push sends, checks who sends it (RFC 8292),
 * and decrypts it as a browser does (RFC 8188, RFC 8291), with no help from the library that encrypted it.
 */
import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes, verify } from 'node:crypto';
import { type Receiver, say, startReceiver } from '../../harness/receiver.ts';

export interface Browser {
  /** As `PushSubscription.toJSON()` gives it. */
  readonly subscription: { readonly endpoint: string; readonly keys: { readonly p256dh: string; readonly auth: string } };
  /** What was pushed to it, decrypted. @throws where anything was not meant for it. */
  pushed(): Promise<readonly Pushed[]>;
}

export interface Pushed {
  readonly headers: Readonly<Record<string, string>>;
  readonly message: { readonly id: string; readonly title: string; readonly body: string; readonly payoutId: string };
}

export interface PushService extends Pick<Receiver, 'port' | 'answer' | 'close'> {
  /** A new browser of this service. */
  browser(): Browser;
}

/** @param vapidPublicKey under which browsers have subscribed: anybody else's pushes fail the test. */
export async function startPushService(vapidPublicKey: string): Promise<PushService> {
  const receiver = await startReceiver(say(201));
  const origin = `http://127.0.0.1:${receiver.port}`;
  let browsers = 0;
  return Object.assign(receiver, {
    browser(): Browser {
      browsers += 1;
      const path = `/push/${browsers}`;
      const pair = createECDH('prime256v1');
      const publicKey = pair.generateKeys();
      const auth = randomBytes(16);
      return {
        subscription: {
          endpoint: origin + path,
          keys: { p256dh: publicKey.toString('base64url'), auth: auth.toString('base64url') },
        },
        pushed: async () =>
          receiver.received
            .filter((each) => each.path === path)
            .map(({ headers, bytes }) => {
              checkVapid(headers['authorization'] ?? '', origin, vapidPublicKey);
              return { headers, message: JSON.parse(decrypt(bytes, pair, auth)) as Pushed['message'] };
            }),
      };
    },
  });
}

/** `vapid t=<JWT>, k=<public key>`: signed with the key that the browser subscribed under, for this service. */
function checkVapid(authorization: string, audience: string, publicKey: string): void {
  const [, token = '', key] = /^vapid t=([^,]+), ?k=(.+)$/.exec(authorization) ?? [];
  if (key !== publicKey) throw new Error(`not our key: ${authorization}`);
  const [head = '', claims = '', signature = ''] = token.split('.');
  const point = Buffer.from(publicKey, 'base64url');
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const signed = verify(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!signed) throw new Error('the signature is wrong');
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>;
  if (aud !== audience || typeof exp !== 'number' || exp * 1_000 < Date.now() || !String(sub).startsWith('mailto:'))
    throw new Error(`wrong claims: ${JSON.stringify({ aud, exp, sub })}`);
}

/** One record of aes128gcm: salt, record size, the sender's public key, then the cipher with its tag. */
function decrypt(body: Buffer, pair: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const keyLength = body.readUInt8(20);
  const sender = body.subarray(21, 21 + keyLength);
  const cipher = body.subarray(21 + keyLength);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), pair.getPublicKey(), sender]);
  const secret = Buffer.from(hkdfSync('sha256', pair.computeSecret(sender), auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', secret, salt, 'Content-Encoding: nonce\0', 12));
  const decipher = createDecipheriv('aes-128-gcm', key, nonce);
  decipher.setAuthTag(cipher.subarray(-16));
  const plain = Buffer.concat([decipher.update(cipher.subarray(0, -16)), decipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString('utf8'); // 0x02 ends the last record; zeros pad it
}
