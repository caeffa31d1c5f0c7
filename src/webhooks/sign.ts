/** What a receiver checks to know that a webhook is ours: the headers, made over the exact bytes that are sent. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** `whsec_…` each, as the customer holds them. `previous` is the one before the rotation, while both count. */
export interface SigningSecrets {
  readonly current: string;
  readonly previous: string | null;
}

/** Where the bytes are: the event's id is the same on every try, the time is the try's own. */
export interface Message {
  readonly id: string;
  readonly sentAt: Date;
  readonly body: string;
}

/**
 * Standard Webhooks' three headers, and `X-Signature: sha256=<hex>` for receivers of the simple kind.
 * While a secret is rotated the one before signs too, in both kinds.
 *
 * - `webhook-signature` is keyed with the bytes that the base64 after `whsec_` stands for (as the standard has it); of
 *   two signatures the current secret's is the first.
 * - `X-Signature` is HMAC-SHA256 over the raw body, keyed with the whole secret as the customer holds it: the text
 *   `whsec_…` in UTF-8, prefix and all. It has room for one signature, the current secret's: the one before has
 *   `X-Signature-Previous`, which is there only while that one counts.
 */
export function signedHeaders({ id, sentAt, body }: Message, secrets: SigningSecrets): Record<string, string> {
  const signers = secrets.previous === null ? [secrets.current] : [secrets.current, secrets.previous];
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'webhook-signature': signers.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(' '),
    'x-signature': simpleSignature(secrets.current, body),
    ...(secrets.previous !== null && { 'x-signature-previous': simpleSignature(secrets.previous, body) }),
  };
}

const simpleSignature = (secret: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(body, 'utf8').digest('hex')}`;
