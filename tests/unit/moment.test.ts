/** A time that is written with a step is the step's moment(): now() is when its transaction began, and it may have waited since. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

/** Where now() may stay, and why: how often it stands there. */
const LOOKS: Readonly<Record<string, readonly [number, string]>> = {
  'events/notify_event.sql': [2, 'the hour in which a notice is told once, and the id of a notice'],
  'games/end_game.sql': [2, 'which games are looked at'],
  'instant/forget_image.sql': [1, 'of no subject’s story'],
  'instant/open_payin.sql': [2, 'which payins are looked at'],
  'markets/commit_stake.sql': [1, 'the first look; the last is of the moment'],
  'overview/fold_events.sql': [2, 'what is old enough to be deleted'],
  'overview/overview_totals.sql': [3, 'figures as of now'],
  'pauses/pauses.sql': [4, 'whether a pause holds, and who is told of its end'],
  'relay/receivers.sql': [6, 'what is due'],
  'relay/recover.sql': [2, 'what is due'],
  'relay/relay_take.sql': [5, 'what is due'],
};

test('whoever looks back is not shown a step before it was done: no function writes down when its transaction began', () => {
  const folder = 'prisma/functions';
  const counted = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .map(
      (file) =>
        [
          file,
          readFileSync(`${folder}/${file}`, 'utf8').match(/\b(now\(\)|current_timestamp|transaction_timestamp\(\))/gi)?.length ??
            0,
        ] as const,
    )
    .filter(([, count]) => count > 0);
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(Object.entries(LOOKS).map(([file, [count]]) => [file, count])));
});

test('nor does a column of what has a story, where its writer says nothing', () => {
  const schema = readFileSync('prisma/schema.prisma', 'utf8');
  const models = schema.matchAll(/^model (\w+) \{\n(.*?)^\}/gms);
  const beginning = [...models].filter(([, , body]) => body?.includes('@default(now())')).map(([, name]) => name);
  expect(beginning.sort()).toEqual(OUTSIDE);
});

/** Written by themselves: nobody waits for them, and they are in no story. */
const OUTSIDE = [
  'Admin',
  'ApiKey',
  'AuditEntry',
  'BooksCheck',
  'ConsoleSession',
  'Epoch',
  'IdempotencyKey',
  'Import',
  'Merchant',
  'Notification',
  'PayoutRequest',
  'PayoutRun',
  'Provider',
  'ProviderBankAccount',
  'PspMessage',
  'PushSubscription',
  'RiskPolicy',
  'User',
  'WebhookAttempt',
  'WebhookEndpoint',
  'WorkerBeat',
];
