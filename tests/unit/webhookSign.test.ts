/** Guards: a receiver can check each webhook with its secret, by either scheme, also while the secret is rotated. */
import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { signedHeaders } from '../../src/webhooks/sign.ts';

const CURRENT = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const PREVIOUS = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const message = () => ({ id: 'evt_0000_0001', sentAt: new Date(), body: '{"type":"payout.succeeded","name":"Ayésha ₨"}' });

test('a receiver that uses the Standard Webhooks library takes what we send', () => {
  const { body, ...rest } = message();
  const headers = signedHeaders({ body, ...rest }, { current: CURRENT, previous: null });

  expect(new Webhook(CURRENT).verify(body, headers)).toEqual(JSON.parse(body));
  expect(() => new Webhook(PREVIOUS).verify(body, headers)).toThrow('No matching signature');
  expect(() => new Webhook(CURRENT).verify(`${body} `, headers)).toThrow('No matching signature');
});

test('a receiver that follows the standard by hand comes to the same signature', () => {
  const { id, body, sentAt } = message();
  const headers = signedHeaders({ id, sentAt, body }, { current: CURRENT, previous: null });

  const key = Buffer.from(CURRENT.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  expect(headers['webhook-id']).toBe(id);
  expect(headers['webhook-timestamp']).toBe(String(Math.floor(sentAt.getTime() / 1000)));
});

test('a receiver that only knows X-Signature checks it with the secret as it holds it', () => {
  const { body, ...rest } = message();
  const headers = signedHeaders({ body, ...rest }, { current: CURRENT, previous: PREVIOUS });

  expect(headers['x-signature']).toBe(`sha256=${createHmac('sha256', CURRENT).update(Buffer.from(body)).digest('hex')}`);
});

test('while a secret is rotated both the new and the old one open the webhook, the new one first', () => {
  const { body, ...rest } = message();
  const headers = signedHeaders({ body, ...rest }, { current: CURRENT, previous: PREVIOUS });

  expect(new Webhook(CURRENT).verify(body, headers)).toBeDefined();
  expect(new Webhook(PREVIOUS).verify(body, headers)).toBeDefined();
  const [first] = (headers['webhook-signature'] ?? '').split(' ');
  expect(first).toBe(new Webhook(CURRENT).sign(rest.id, rest.sentAt, body));
});

test('a receiver that only knows X-Signature and still holds the old secret finds its signature beside the new one', () => {
  const { body, ...rest } = message();
  const headers = signedHeaders({ body, ...rest }, { current: CURRENT, previous: PREVIOUS });

  expect(headers['x-signature-previous']).toBe(
    `sha256=${createHmac('sha256', PREVIOUS).update(Buffer.from(body)).digest('hex')}`,
  );
});

test('no signature of a secret before where there is none: a receiver must not take an empty one for right', () => {
  const headers = signedHeaders(message(), { current: CURRENT, previous: null });

  expect(Object.keys(headers)).toEqual(['webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-signature']);
});
