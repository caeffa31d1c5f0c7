/** Guards: names whose DNS servers keep silent, which any customer may give us, stop nobody else's look-ups. */
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '../../harness/receiver.ts';
import { postWebhook } from '../../src/net/guardedFetch.ts';

let server: Socket;
let receiver: Receiver;
const { resolve4 } = Resolver.prototype;

/** Says 127.0.0.1 of every name but those that keep it waiting. */
beforeAll(async () => {
  receiver = await startReceiver();
  server = createSocket('udp4', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5;
    if (question.toString('latin1', 12, end).includes('silent')) return;
    const isA = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
    const answer = isA ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]) : Buffer.alloc(0);
    server.send(Buffer.concat([head, question.subarray(12, end), answer]), port, address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const servers = [`127.0.0.1:${server.address().port}`];
  Resolver.prototype.resolve4 = function (this: Resolver, host: string) {
    this.setServers(servers);
    return (resolve4 as (host: string) => Promise<string[]>).call(this, host);
  } as typeof resolve4;
});
afterAll(async () => {
  Resolver.prototype.resolve4 = resolve4;
  server.close();
  await receiver.close();
});

const post = (host: string) =>
  postWebhook({
    url: `http://${host}:${receiver.port}/`,
    headers: {},
    body: '{}',
    timeoutMs: 10_000,
    allowLoopback: true,
  });

test("a webhook is delivered at once while another merchant's names are waited for in vain", async () => {
  const silent = Array.from({ length: 16 }, (_, number) => post(`silent${number}.example.com`));

  expect(await post('answered.example.com')).toMatchObject({ outcome: 'delivered' });

  for (const each of await Promise.all(silent)) expect(each).toMatchObject({ outcome: 'failed', statusCode: null });
});
