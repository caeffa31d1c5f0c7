/** Guards: people are told once, for as long as it takes, by relays of which any may die, and no channel and nobody keeps another waiting. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { neverAnswer, say, startReceiver } from '../../harness/receiver.ts';
import type { Mailer } from '../../src/notify/mail.ts';
import { faltering, type NotificationWorld, openNotificationWorld, until } from '../support/notificationWorld.ts';

let world: NotificationWorld;
beforeAll(async () => {
  world = await openNotificationWorld();
});
afterEach(async () => {
  world.mail.hold = undefined;
  world.mail.refusal = undefined;
  world.push.answer = say(201);
  await world.forget();
  world.mail.taken.length = 0;
});
afterAll(async () => {
  await world.stop();
});

const HOUR = 3_600_000;
const sql = (text: string, values: unknown[] = []) => world.books.db.owner.query(text, values);

/** A mail server that says nothing of what it took until it is let go. */
function held(): () => void {
  let letGo: () => void = () => undefined;
  world.mail.hold = new Promise((resolve) => {
    letGo = resolve;
  });
  return letGo;
}

const mailOf = async () => (await world.paid(await world.provider())).of('email');

/** A provider who is reached at another address than all others. */
async function providerAt(address: string) {
  const provider = await world.provider();
  await sql('UPDATE providers SET email = $2 WHERE id = $1', [provider.providerId, address]);
  return provider;
}

describe('two relays', () => {
  test('that try at once send a mail once', async () => {
    const mail = await mailOf();
    const letGo = held();
    const [one, other] = [world.relay(), world.relay()];
    await Promise.all([one.work.turn(), other.work.turn()]);
    await until(() => world.mail.taken.length === 1);
    await Promise.all([one.work.turn(), other.work.turn()]);
    expect(one.inTheAir() + other.inTheAir()).toBe(1);
    letGo();
    await Promise.all([one.settle(), other.settle()]);
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 1, lease_holder: null });
    expect(world.mail.taken).toHaveLength(1);
    await Promise.all([one.work.end(), other.work.end()]);
  });

  test('of which one died send the rest when its lease has run out, and not before', async () => {
    const mail = await mailOf();
    const dead: Mailer = { destination: '', send: () => new Promise(() => undefined) };
    await world.relay({ mailer: dead }).work.turn(); // and nothing more is heard of it
    await world.deliver();
    expect(world.mail.taken).toHaveLength(0);
    await world.pass(20_000);
    await world.deliver();
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 2 });
  });

  test('of which one was taken for dead: what it could not bring is not written over what the other did', async () => {
    const mail = await mailOf();
    let fail: () => void = () => undefined;
    const failing = new Promise<{ outcome: 'refused'; error: string }>((resolve) => {
      fail = () => resolve({ outcome: 'refused', error: 'late' });
    });
    const frozen = world.relay({ mailer: { destination: '', send: () => failing } });
    await frozen.work.turn();
    await world.pass(20_000);
    world.mail.refusal = { at: 'data', code: 451 };
    await world.deliver();
    fail();
    await frozen.settle();
    expect(await world.read(mail.id)).toMatchObject({ state: 'pending', last_error: expect.stringContaining('451') });
    await frozen.work.end();
  });

  test('of which one lost its lease: it stops sending, and leaves the mail to whoever has it now', async () => {
    const mail = await mailOf();
    held();
    const relay = world.relay();
    await relay.work.turn();
    await until(() => world.mail.taken.length === 1);
    await sql(`UPDATE notifications SET lease_holder = 'somebody else' WHERE id = $1`, [mail.id]);
    await until(async () => {
      await relay.work.turn();
      return relay.inTheAir() === 0;
    });
    await relay.settle();
    expect(await world.read(mail.id)).toMatchObject({ state: 'pending', lease_holder: 'somebody else' });
    await relay.work.end();
  });

  test('of which one is stopped while a mail server keeps silent: the other need not wait, and sends the same mail', async () => {
    const mail = await mailOf();
    held();
    const stopped = world.relay();
    await stopped.work.turn();
    await until(() => world.mail.taken.length === 1);
    await stopped.work.end();
    expect(await world.read(mail.id)).toMatchObject({ state: 'pending', lease_holder: null });
    world.mail.hold = undefined;
    await world.deliver();
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 2 });
    expect(world.mail.taken.map(({ headers }) => headers.get('message-id'))).toEqual(Array(2).fill(`<${mail.id}@oncepay>`));
  });
});

describe('a mail that takes long', () => {
  test('keeps its lease, so that nobody sends it as well', async () => {
    const mail = await mailOf();
    const letGo = held();
    const relay = world.relay();
    await relay.work.turn();
    const begun = (await world.read(mail.id)).lease_until?.getTime() ?? 0;
    await until(async () => {
      await relay.work.turn();
      return ((await world.read(mail.id)).lease_until?.getTime() ?? 0) > begun;
    });
    letGo();
    await relay.settle();
    expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 1 });
    await relay.work.end();
  });

  test('is stopped before its lease runs out where the database is away, for then another relay may send it', async () => {
    const mail = await mailOf();
    held();
    let isThere = true;
    const relay = world.relay({ pool: faltering(world.books.db.pool, () => isThere) });
    await relay.work.turn();
    await until(() => world.mail.taken.length === 1);
    isThere = false;
    await until(() => relay.inTheAir() === 0);
    const leftMs = ((await world.read(mail.id)).lease_until?.getTime() ?? 0) - Date.now();
    expect(leftMs).toBeGreaterThan(0);
    isThere = true;
    await relay.work.end();
  });
});

test('no second mail is made when the database cannot write down that the first was taken', async () => {
  await sql(`
    CREATE FUNCTION be_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
    CREATE TRIGGER away BEFORE UPDATE ON notifications FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION be_away()`);
  const mail = await mailOf();
  const relay = world.relay();
  for (let times = 0; times < 3; times += 1) {
    await relay.work.turn().catch(() => undefined);
    await until(() => world.mail.taken.length === 1 && relay.inTheAir() === 0);
  }
  await expect(relay.work.turn()).rejects.toThrow('the disk is full');
  await sql('DROP TRIGGER away ON notifications');
  await relay.settle();
  await relay.work.end();
  expect(await world.read(mail.id)).toMatchObject({ state: 'sent', attempts: 1 });
  expect(world.mail.taken).toHaveLength(1);
});

describe('a channel that never works', () => {
  test('is given up within a day, with its last word', async () => {
    world.mail.refusal = { at: 'data', code: 451 };
    const mail = await mailOf();
    let passed = 0;
    for (;;) {
      await world.deliver();
      const { state, due_in: seconds } = await world.read(mail.id);
      if (state !== 'pending') break;
      await world.pass((seconds + 1) * 1_000);
      passed += (seconds + 1) * 1_000;
    }
    expect(await world.read(mail.id)).toMatchObject({
      ...{ state: 'failed', attempts: 13 },
      last_error: expect.stringContaining('451'),
    });
    expect(passed).toBeGreaterThan(12 * HOUR);
    expect(passed).toBeLessThanOrEqual(24 * HOUR);
  });

  test('because nobody was there to send is given up too: it is no news any more', async () => {
    const mail = await mailOf();
    await world.pass(24 * HOUR + 1_000);
    await world.deliver();
    expect(await world.read(mail.id)).toMatchObject({
      ...{ state: 'failed', attempts: 0, lease_holder: null },
      last_error: 'nobody got as far as sending it',
    });
    expect(world.mail.taken).toHaveLength(0);
  });
});

describe('a mail server that hangs', () => {
  test('has ten mails in its hands, and keeps no push waiting', async () => {
    for (let count = 0; count < 12; count += 1) await world.paid(await providerAt(`p${count}@p.example`));
    const provider = await providerAt('last@p.example');
    const browser = await world.subscribe(provider);
    await world.paid(provider);
    const letGo = held();
    const relay = world.relay();
    await relay.work.turn();
    await until(() => world.mail.taken.length === 10);
    await until(async () => {
      await relay.work.turn();
      return (await browser.pushed()).length === 1;
    });
    expect(world.mail.taken).toHaveLength(10);
    letGo();
    await relay.settle();
    expect(world.mail.taken).toHaveLength(13);
    await relay.work.end();
  });

  test('for one mailbox keeps nobody else waiting, however much there is to tell that one', async () => {
    const flooded = await providerAt('flooded@p.example');
    for (let count = 0; count < 12; count += 1) await world.paid(flooded);
    await world.paid(await providerAt('other@p.example'));
    held();
    const relay = world.relay();
    await relay.work.turn();
    await until(() => world.mail.taken.length === 6);
    const addresses = world.mail.taken.flatMap(({ to }) => to).sort();
    expect(addresses).toEqual([...Array<string>(5).fill('flooded@p.example'), 'other@p.example']);
    world.mail.hold = undefined;
    await relay.work.end();
  });
});

test("a merchant whose browsers lead to eighty push services that hang keeps no other merchant's push waiting", async () => {
  const hanging = await startReceiver(neverAnswer);
  const many = await world.provider();
  for (let count = 0; count < 80; count += 1) {
    await world.subscribe(many);
    await sql('UPDATE push_subscriptions SET endpoint = $2 WHERE owner_id = $1 AND endpoint NOT LIKE $3', [
      ...[many.providerId, `http://127.1.0.${count}:${hanging.port}/`, 'http://127.1.%'],
    ]);
  }
  await world.paid(many);
  const other = await world.provider();
  const browser = await world.subscribe(other);
  await world.paid(other);
  const relay = world.relay();
  await relay.work.turn();
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // below the limit of a send
  expect(await browser.pushed()).toHaveLength(1);
  await relay.work.end();
  await hanging.close();
});

test('a trouble of our own waits for an operator, and is told apart', async () => {
  const provider = await world.provider();
  await world.subscribe(provider);
  await sql(`UPDATE push_subscriptions SET keys = 'unreadable' WHERE owner_id = $1`, [provider.providerId]);
  const push = (await world.paid(provider)).of('push');
  const relay = world.relay();
  await relay.settle();
  await relay.work.end();
  expect(relay.troubles).toHaveLength(1);
  const { due_in: seconds, ...row } = await world.read(push.id);
  expect(row).toMatchObject({ state: 'pending', last_error: expect.stringMatching(/^our own trouble: /) });
  expect(Math.abs(seconds - 60)).toBeLessThanOrEqual(5);
});
