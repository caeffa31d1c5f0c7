/** Guards: what is to be told reaches the person once, by a real mail server and a real push service, or waits for the next try. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { say } from '../../harness/receiver.ts';
import { createMailer } from '../../src/notify/mail.ts';
import { readMail, startMailServer } from '../support/mailServer.ts';
import { FROM, type NotificationWorld, openNotificationWorld } from '../support/notificationWorld.ts';

let world: NotificationWorld;
const folder = mkdtempSync(join(tmpdir(), 'oncepay-mail-'));
beforeAll(async () => {
  world = await openNotificationWorld();
});
afterEach(() => {
  world.mail.taken.length = 0;
  world.mail.refusal = undefined;
  world.mail.hold = undefined;
  world.push.answer = say(201);
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let left = 2_000; left > 0 && !(await holds()); left -= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await holds()).toBe(true);
};

/** A mail server that says nothing of what it took until it is let go. */
function held(): () => void {
  let letGo: () => void = () => undefined;
  world.mail.hold = new Promise((resolve) => {
    letGo = resolve;
  });
  return letGo;
}

const mailOf = async () => (await world.paid(await world.provider())).of('email');

describe('a mail', () => {
  test('reaches the provider once, with the amount and what to do, however often it is asked for', async () => {
    const { payoutId, of } = await world.paid(await world.provider());
    const mail = of('email');
    for (let time = 0; time < 3; time += 1) expect(await world.send(mail)).toEqual({ state: 'sent' });
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
    await world.send((await world.paid(provider)).of('email'));
    expect(world.mail.taken[0]?.text).toContain('Hello عائشہ خان,');
  });

  test('is sent by one of two workers that try at once', async () => {
    const mail = await mailOf();
    const letGo = held();
    const first = world.send(mail);
    await until(() => world.mail.taken.length === 1);
    await expect(world.send(mail, { by: world.worker({}) })).rejects.toMatchObject({ type: 'Busy' });
    letGo();
    expect(await first).toEqual({ state: 'sent' });
    expect(world.mail.taken).toHaveLength(1);
  });

  test('that cannot be brought now is tried again later, later each time, and under the same Message-ID', async () => {
    const mail = await mailOf();
    const server = await startMailServer();
    await server.close();
    const away = world.worker({ mailer: createMailer({ smtpUrl: server.url, from: FROM, directory: '' }) });
    await expect(world.send(mail, { by: away })).rejects.toMatchObject({ type: 'NotSent', nextRetryDelay: 5_000 });
    await expect(world.send(mail, { by: away })).rejects.toMatchObject({ type: 'NotSent', nextRetryDelay: 15_000 });
    expect(await world.read(mail.id)).toMatchObject({
      state: 'pending',
      attempts: 2,
      last_error: expect.stringContaining('ECONNREFUSED'),
    });

    world.mail.refusal = { at: 'data', code: 451 };
    await expect(world.send(mail)).rejects.toMatchObject({ type: 'NotSent', nextRetryDelay: 45_000 });
    world.mail.refusal = undefined;
    expect(await world.send(mail)).toEqual({ state: 'sent' });
    expect(world.mail.taken.map(({ headers }) => headers.get('message-id'))).toEqual([`<${mail.id}@oncepay>`]);
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 4 });
  });

  test.each([
    ['rcpt', 550],
    ['data', 554],
  ] as const)('that the server does not want (%s %i) is not tried again', async (at, code) => {
    const mail = await mailOf();
    world.mail.refusal = { at, code };
    expect(await world.send(mail)).toEqual({ state: 'failed' });
    expect(await world.read(mail.id)).toMatchObject({ state: 'failed', last_error: expect.stringContaining(String(code)) });
    world.mail.refusal = undefined;
    expect(await world.send(mail)).toEqual({ state: 'failed' });
    expect(world.mail.taken).toHaveLength(0);
  });

  test('that was taken before the worker died, and said so to Temporal, is only written down', async () => {
    const mail = await mailOf();
    expect(await world.send(mail, { beaten: 'accepted' })).toEqual({ state: 'sent' });
    expect(world.mail.taken).toHaveLength(0);
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent' });
  });

  test('of which the worker died with the word that it was taken goes again, the same to the byte', async () => {
    const mail = await mailOf();
    await world.send(mail);
    await world.books.db.owner.query(`UPDATE notifications SET state = 'pending' WHERE id = $1`, [mail.id]); // as it was when it died
    await world.send(mail);
    const [first, second] = world.mail.taken;
    expect(second?.raw).toBe(first?.raw);
    expect(first?.headers.get('message-id')).toBe(`<${mail.id}@oncepay>`);
  });

  test('waits for its turn where ten are being sent: a mail server that hangs holds up no webhooks', async () => {
    const provider = await world.provider();
    const mails = [];
    for (let count = 0; count < 12; count += 1) mails.push((await world.paid(provider)).of('email'));
    const letGo = held();
    const sending = mails.map((each) => world.send(each).catch((error: unknown) => error));
    await until(() => world.mail.taken.length === 10);
    expect(await Promise.all(sending.slice(10))).toMatchObject([
      { type: 'Busy', nextRetryDelay: 2_000 },
      { type: 'Busy', nextRetryDelay: 2_000 },
    ]);
    letGo();
    expect(await Promise.all(sending.slice(0, 10))).toEqual(Array(10).fill({ state: 'sent' }));
    for (const late of mails.slice(10)) expect(await world.send(late)).toEqual({ state: 'sent' });
    expect(world.mail.taken).toHaveLength(12);
  });

  test('that takes long keeps its lease, so that nobody sends it as well', async () => {
    const mail = await mailOf();
    const leaseEnds = async () =>
      (
        await world.books.db.owner.query<{ at: Date | null }>('SELECT lease_until AS at FROM notifications WHERE id = $1', [
          mail.id,
        ])
      ).rows[0]?.at;
    const letGo = held();
    const sending = world.send(mail);
    await until(() => world.mail.taken.length === 1);
    const begun = (await leaseEnds())?.getTime() ?? 0;
    await until(async () => ((await leaseEnds())?.getTime() ?? 0) > begun);
    letGo();
    expect(await sending).toEqual({ state: 'sent' });
  });

  test('whose lease was lost is left to whoever has it now', async () => {
    const mail = await mailOf();
    const letGo = held();
    const sending = world.send(mail);
    await until(() => world.mail.taken.length === 1);
    await world.books.db.owner.query(`UPDATE notifications SET lease_holder = 'somebody else' WHERE id = $1`, [mail.id]);
    await expect(sending).rejects.toThrow();
    letGo();
    expect(await world.read(mail.id)).toMatchObject({ state: 'pending' });
  });
});

test('without a mail server, mail is kept as files, one for each notification', async () => {
  const directory = join(folder, 'mail');
  const mailer = createMailer({ smtpUrl: undefined, from: FROM, directory });
  expect(mailer.destination).toBe(`files in ${directory}, because SMTP_URL is not set`);
  const mail = await mailOf();
  const by = world.worker({ mailer });
  expect(await world.send(mail, { by })).toEqual({ state: 'sent' });
  const first = readFileSync(join(directory, `${mail.id}.eml`), 'utf8');
  await world.books.db.owner.query(`UPDATE notifications SET state = 'pending' WHERE id = $1`, [mail.id]); // as if it had died before it wrote that down
  await world.send(mail, { by });
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
    for (let time = 0; time < 2; time += 1) expect(await world.send(push)).toEqual({ state: 'sent' });
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
    expect(await world.send(push)).toEqual({ state: 'failed' });
    expect(await world.read(push.id)).toMatchObject({ state: 'failed', last_error: `${status} gone` });
    expect(await isSubscribed(push.address)).toBe(false);
  });

  test('that the push service cannot take now waits for as long as it asks', async () => {
    const { browser, push } = await subscribed();
    world.push.answer = say(429, 'slow down', { 'retry-after': '120' });
    await expect(world.send(push)).rejects.toMatchObject({ type: 'NotSent', nextRetryDelay: 120_000 });
    world.push.answer = say(503);
    await expect(world.send(push)).rejects.toMatchObject({ type: 'NotSent', nextRetryDelay: 15_000 });
    expect(await isSubscribed(push.address)).toBe(true);
    world.push.answer = say(201);
    expect(await world.send(push)).toEqual({ state: 'sent' });
    expect(new Set((await browser.pushed()).map(({ message }) => message.id))).toEqual(new Set([push.id]));
  });

  test('about real money never goes into our own network', async () => {
    const { browser, push } = await subscribed('live');
    expect(await world.send(push)).toEqual({ state: 'failed' });
    expect(await world.read(push.id)).toMatchObject({ last_error: 'scheme_not_allowed' });
    expect(await browser.pushed()).toEqual([]);
  });

  test('to somebody who unsubscribed meanwhile is not sent', async () => {
    const { browser, push } = await subscribed();
    await world.books.db.owner.query('DELETE FROM push_subscriptions WHERE id = $1', [push.address]);
    expect(await world.send(push)).toEqual({ state: 'failed' });
    expect(await world.read(push.id)).toMatchObject({ last_error: 'unsubscribed' });
    expect(await browser.pushed()).toEqual([]);
  });

  test('waits where our own keys are missing', async () => {
    const { push } = await subscribed();
    await expect(world.send(push, { by: world.worker({ vapid: undefined }) })).rejects.toMatchObject({ type: 'NotSent' });
    expect(await world.read(push.id)).toMatchObject({ state: 'pending', last_error: 'VAPID_PUBLIC_KEY is not set' });
  });
});
