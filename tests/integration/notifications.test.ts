/** Guards: what is to be told reaches the person once, by a real mail server and a real push service, or waits for the next try. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { say } from '../../harness/receiver.ts';
import { createMailer } from '../../src/notify/mail.ts';
import { readMail, startMailServer } from '../support/mailServer.ts';
import { FROM, type NotificationWorld, openNotificationWorld, type StoredNotification } from '../support/notificationWorld.ts';

let world: NotificationWorld;
const folder = mkdtempSync(join(tmpdir(), 'oncepay-mail-'));
beforeAll(async () => {
  world = await openNotificationWorld();
});
afterEach(async () => {
  await world.forget();
  world.mail.taken.length = 0;
  world.mail.refusal = undefined;
  world.push.answer = say(201);
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const expectWait = ({ due_in: seconds }: StoredNotification, expected: number) =>
  expect(Math.abs(seconds - expected)).toBeLessThanOrEqual(4.9); // what the machine takes to look

const mailOf = async () => (await world.paid(await world.provider())).of('email');

describe('a mail', () => {
  test('reaches the provider once, with the amount and what to do, however often one looks', async () => {
    const { payoutId, of } = await world.paid(await world.provider());
    const mail = of('email');
    for (let time = 0; time < 3; time += 1) await world.deliver();
    expect(world.mail.taken).toHaveLength(1);
    const [taken] = world.mail.taken;
    expect(taken?.to).toEqual(['ada@p.example']);
    expect(Object.fromEntries(taken?.headers ?? [])).toMatchObject({
      from: FROM,
      to: 'ada@p.example',
      subject: '[test] Your payout of 15.00 PKR has been paid',
      'message-id': `<${mail.id}@oncepay>`,
      'auto-submitted': 'auto-generated',
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(taken?.text).toContain('Your payout of 15.00 PKR to the account ending in 0001');
    expect(taken?.text).toContain(`Payout: ${payoutId}`);
    expect(taken?.raw).not.toContain('12345678900001');
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 1, last_error: null });
  });

  test('greets a name in any script', async () => {
    const provider = await world.provider();
    await world.books.db.owner.query(`UPDATE providers SET name = 'عائشہ خان' WHERE id = $1`, [provider.providerId]);
    await world.paid(provider);
    await world.deliver();
    expect(world.mail.taken[0]?.text).toContain('Hello عائشہ خان,');
  });

  test('that cannot be brought now is tried again later, later each time, and under the same Message-ID', async () => {
    const mail = await mailOf();
    const server = await startMailServer();
    await server.close();
    const away = { mailer: createMailer({ smtpUrl: server.url, from: FROM, directory: '' }) };
    await world.deliver(away);
    expectWait(await world.read(mail.id), 5);
    await world.pass(6_000);
    await world.deliver(away);
    expectWait(await world.read(mail.id), 15);
    expect(await world.read(mail.id)).toMatchObject({
      state: 'pending',
      attempts: 2,
      last_error: expect.stringContaining('ECONNREFUSED'),
    });

    await world.pass(16_000);
    world.mail.refusal = { at: 'data', code: 451 };
    await world.deliver();
    expectWait(await world.read(mail.id), 45);
    await world.pass(46_000);
    world.mail.refusal = undefined;
    await world.deliver();
    expect(world.mail.taken.map(({ headers }) => headers.get('message-id'))).toEqual([`<${mail.id}@oncepay>`]);
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 4 });
  });

  test.each([
    ['rcpt', 550],
    ['data', 554],
  ] as const)('that the server does not want (%s %i) is not tried again', async (at, code) => {
    const mail = await mailOf();
    world.mail.refusal = { at, code };
    await world.deliver();
    expect(await world.read(mail.id)).toMatchObject({ state: 'failed', last_error: expect.stringContaining(String(code)) });
    world.mail.refusal = undefined;
    await world.deliver();
    expect(world.mail.taken).toHaveLength(0);
  });

  test('of which the relay died with the word that it was taken goes again, the same to the byte', async () => {
    const mail = await mailOf();
    await world.deliver();
    await world.books.db.owner.query(`UPDATE notifications SET state = 'pending' WHERE id = $1`, [mail.id]); // as it was when it died
    await world.deliver();
    const [first, second] = world.mail.taken;
    expect(second?.raw).toBe(first?.raw);
    expect(first?.headers.get('message-id')).toBe(`<${mail.id}@oncepay>`);
  });
});

test('without a mail server, mail is kept as files, one for each notification', async () => {
  const directory = join(folder, 'mail');
  const mailer = createMailer({ smtpUrl: undefined, from: FROM, directory });
  expect(mailer.destination).toBe(`files in ${directory}, because SMTP_URL is not set`);
  const mail = await mailOf();
  await world.deliver({ mailer });
  const first = readFileSync(join(directory, `${mail.id}.eml`), 'utf8');
  await world.books.db.owner.query(`UPDATE notifications SET state = 'pending' WHERE id = $1`, [mail.id]); // as if it had died before it wrote that down
  await world.deliver({ mailer });
  expect(readdirSync(directory)).toEqual([`${mail.id}.eml`]);
  const kept = readFileSync(join(directory, `${mail.id}.eml`), 'utf8');
  expect(kept).toBe(first);
  expect(readMail(kept).headers.get('subject')).toBe('[test] Your payout of 15.00 PKR has been paid');
});

test('where mail goes is said without the password', () => {
  const mailer = createMailer({ smtpUrl: 'smtps://user:secret@mail.example.com:465', from: FROM, directory: '' });
  expect(mailer.destination).toBe('the SMTP server mail.example.com:465');
});

describe('a push', () => {
  const subscribed = async (mode?: 'live') => {
    const provider = await world.provider(mode);
    const browser = await world.subscribe(provider);
    const told = await world.paid(provider);
    return { browser, push: told.of('push'), payoutId: told.payoutId };
  };
  const isSubscribed = async (id: string) =>
    (await world.books.db.owner.query('SELECT FROM push_subscriptions WHERE id = $1', [id])).rowCount === 1;

  test('reaches the browser once, encrypted for it, in our name, and takes the place of its twin', async () => {
    const { browser, push, payoutId } = await subscribed();
    for (let time = 0; time < 2; time += 1) await world.deliver();
    const [pushed, ...others] = await browser.pushed();
    expect(others).toEqual([]);
    expect(pushed?.message).toEqual({
      id: push.id,
      title: '[test] Your payout of 15.00 PKR has been paid',
      body: expect.stringContaining('15.00 PKR'),
      payoutId,
    });
    expect(pushed?.headers).toMatchObject({ ttl: '86400', topic: push.id.slice(4), 'content-encoding': 'aes128gcm' });
  });

  test.each([404, 410])('to a browser that is gone (%i) ends its subscription', async (status) => {
    const { push } = await subscribed();
    world.push.answer = say(status, 'gone');
    await world.deliver();
    expect(await world.read(push.id)).toMatchObject({ state: 'failed', last_error: `${status} gone` });
    expect(await isSubscribed(push.address)).toBe(false);
  });

  test('that the push service cannot take now waits for as long as it asks', async () => {
    const { browser, push } = await subscribed();
    world.push.answer = say(429, 'slow down', { 'retry-after': '120' });
    await world.deliver();
    expectWait(await world.read(push.id), 120);
    await world.pass(121_000);
    world.push.answer = say(503);
    await world.deliver();
    expectWait(await world.read(push.id), 15);
    expect(await isSubscribed(push.address)).toBe(true);
    await world.pass(16_000);
    world.push.answer = say(201);
    await world.deliver();
    expect(await world.read(push.id)).toMatchObject({ state: 'sent', attempts: 3 });
    expect(new Set((await browser.pushed()).map(({ message }) => message.id))).toEqual(new Set([push.id]));
  });

  test('about real money never goes into our own network', async () => {
    const { browser, push } = await subscribed('live');
    await world.deliver();
    expect(await world.read(push.id)).toMatchObject({ state: 'failed', last_error: 'scheme_not_allowed' });
    expect(await browser.pushed()).toEqual([]);
  });

  test('to somebody who unsubscribed meanwhile is not sent', async () => {
    const { browser, push } = await subscribed();
    await world.books.db.owner.query('DELETE FROM push_subscriptions WHERE id = $1', [push.address]);
    await world.deliver();
    expect(await world.read(push.id)).toMatchObject({ state: 'failed', last_error: 'unsubscribed' });
    expect(await browser.pushed()).toEqual([]);
  });

  test('waits where our own keys are missing', async () => {
    const { push } = await subscribed();
    await world.deliver({ vapid: undefined });
    expect(await world.read(push.id)).toMatchObject({ state: 'pending', last_error: 'VAPID_PUBLIC_KEY is not set' });
  });
});
