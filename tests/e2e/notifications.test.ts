/** A worker is killed with notifications in its hands: each person is told all the same, and once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { newProvider } from '../../harness/newProvider.ts';
import { type Receiver, startReceiver } from '../../harness/receiver.ts';
import { type MailServer, readMail, startMailServer } from '../support/mailServer.ts';
import { admin, eventually } from '../support/payouts.ts';

/** Demo admins that may decide a review: two approvers and an admin. */
const APPROVERS = 3;

interface Notification {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly address: string;
}

/** A new provider asks to be paid, and because it is new an approver must decide. @returns the payout's id. */
async function askForReview(here: Installation): Promise<string> {
  const platform = here.credentials.merchants[0]?.testKey ?? '';
  const { key } = await newProvider(here.call, platform, { verified: false, earned: ['100.00'] });
  const body = { amount: '50.00', currency: 'NGN' };
  const payout = await here.call<{ id: string; status: string }>('POST', '/api/provider/payouts', { body, key });
  expect(payout.body.status).toBe('REQUESTED');
  return payout.body.id;
}

async function notificationsOf(here: Installation, payoutId: string): Promise<readonly Notification[]> {
  const { key } = admin(here, 'viewer');
  return (await here.call<{ data: Notification[] }>('GET', `/api/admin/notifications?payoutId=${payoutId}`, { key })).body.data;
}

const untilSent = (here: Installation, payoutId: string) =>
  eventually(async () => {
    const states = (await notificationsOf(here, payoutId)).map(({ state }) => state);
    expect(states).toEqual(Array(APPROVERS).fill('sent'));
  });

describe('with a mail server', () => {
  let here: Installation;
  let mail: MailServer;
  let gate: Receiver;
  /** Whoever comes to this place is held there until its process is killed. */
  let place = '';
  let held: { readonly pid: number; readonly response: ServerResponse }[] = [];

  beforeAll(async () => {
    mail = await startMailServer();
    gate = await startReceiver((_request, response, { body }) => {
      const { name, pid } = JSON.parse(body) as { name: string; pid: number };
      if (name === place) held.push({ pid, response });
      else response.end();
    });
    here = await installation({ SMTP_URL: mail.url, ONCEPAY_FAILPOINTS: gate.url });
  });
  afterEach(() => {
    mail.taken.length = 0;
    place = '';
    for (const { response } of held) response.end();
    held = [];
  });
  afterAll(async () => {
    await here?.remove();
    await gate?.close();
    await mail?.close();
  });

  /** Holds all of a payout's notifications at this place. */
  async function heldAt(where: string): Promise<string> {
    place = where;
    const payoutId = await askForReview(here);
    await eventually(() => expect(held).toHaveLength(APPROVERS));
    return payoutId;
  }

  function killTheWorker(): void {
    place = '';
    for (const pid of new Set(held.map((each) => each.pid))) process.kill(pid, 'SIGKILL');
  }

  /** Each is told once, by the notification that is theirs. */
  async function expectOneMailEach(payoutId: string): Promise<void> {
    const expected = (await notificationsOf(here, payoutId)).map(({ id, address }) => `${address} <${id}@oncepay>`);
    expect(mail.taken.map(({ to, headers }) => `${to.join()} ${headers.get('message-id')}`).sort()).toEqual(expected.sort());
    expect(new Set(mail.taken.map(({ headers }) => headers.get('subject')))).toEqual(
      new Set(['[test] A payout of 50.00 NGN needs a review']),
    );
  }

  test('where it goes is said at the start', async () => {
    await eventually(() => expect(here.output()).toContain(`mail          the SMTP server 127.0.0.1:${mail.port}`));
  });

  test('a worker that is killed before it sends: another one sends, once', async () => {
    const payoutId = await heldAt('notify.before');
    expect(mail.taken).toHaveLength(0);
    killTheWorker();
    await untilSent(here, payoutId);
    await expectOneMailEach(payoutId);
    expect((await notificationsOf(here, payoutId)).map(({ attempts }) => attempts)).toEqual(Array(APPROVERS).fill(2));
  });

  test('a worker that is killed after its mails were taken, before that was written down: the same mail goes again, and no other', async () => {
    const payoutId = await heldAt('notify.after');
    expect(mail.taken).toHaveLength(APPROVERS);
    killTheWorker();
    await untilSent(here, payoutId);
    expect(mail.taken).toHaveLength(2 * APPROVERS);
    const raws = new Set(mail.taken.map(({ raw }) => raw)); // the second of each is the first to the byte
    expect(raws.size).toBe(APPROVERS);
  });
});

test('without a mail server, mail is kept as files in the home, and that is said at the start', async () => {
  const here = await installation();
  try {
    const folder = join(here.home, 'mail');
    const destination = `files in ${folder}, because SMTP_URL is not set`;
    await eventually(() => expect(here.output()).toContain(`mail          ${destination}`));
    expect(readFileSync(join(here.home, 'logs', 'worker.log'), 'utf8')).toContain(destination);
    const payoutId = await askForReview(here);
    await untilSent(here, payoutId);
    const expected = (await notificationsOf(here, payoutId)).map(({ id }) => `${id}.eml`).sort();
    expect(existsSync(folder) && readdirSync(folder).sort()).toEqual(expected);
    const [name = ''] = expected;
    expect(readMail(readFileSync(join(folder, name), 'utf8')).text).toContain(`Payout: ${payoutId}`);
  } finally {
    await here.remove();
  }
});
