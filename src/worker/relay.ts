/** This worker's part of the relay: what its loops need, and that the workflow which runs them is there. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { RelayActivities } from '../../activities/relay/relay.ts';
import { relay } from '../../workflows/relay/relay.ts';
import type { Config } from '../config.ts';
import { parseKeys } from '../crypto/secretBox.ts';
import { createLedger } from '../ledger/ledger.ts';
import type { Mailer } from '../notify/mail.ts';
import { createPusher } from '../notify/push.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import { createRelayBooks } from '../relay/books.ts';
import { createInbox } from '../relay/inbox.ts';
import { createBell } from '../relay/loop.ts';
import { createNotifications } from '../relay/notifications.ts';
import type { Part } from '../relay/relay.ts';
import { createSender } from '../relay/sender.ts';
import { createTotals } from '../relay/totals.ts';
import { createWebhooks, LEASE_MS, type WebhookPorts } from '../relay/webhooks.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';

/** There is one in the whole installation. */
export const RELAY_WORKFLOW_ID = 'relay';

/** What runs in it (activities/relay/relay.ts). */
const RUN_RELAY: keyof RelayActivities = 'runRelay';

/** An operator who ends it by hand has it back soon; two calls of every worker. Longer than its beats are apart. */
const LOOK_AFTER_IT_MS = 30_000;
const CALL_MS = 10_000;

export interface RelayParts {
  readonly pool: Pool;
  /** Of its own: a PSP's message is about money, and waits for no webhook or mail. */
  readonly inboxPool: Pool;
  readonly payouts: PayoutsClient;
  readonly onWritten: () => void;
  readonly log: Logger;
  readonly mailer: Mailer;
  readonly onWebhookTried: WebhookPorts['onTried'];
}

/** New ones for each run. */
export function relayParts(config: Config, parts: RelayParts): readonly Part[] {
  const { pool, inboxPool, payouts, onWritten, log, mailer, onWebhookTried } = parts;
  const [bell, tellingBell, inboxBell, totalsBell] = [createBell(), createBell(), createBell(), createBell()];
  const keys = parseKeys(config.encryptionKeys);
  const settings = { timeoutMs: config.webhookTimeoutMs, allowLoopbackTest: config.webhookAllowLoopbackTest };
  const webhooks = createWebhooks({
    books: createRelayBooks(pool, randomUUID(), LEASE_MS),
    send: createSender({ keys, ...settings }),
    sendMs: config.webhookTimeoutMs,
    bell,
    onTried: onWebhookTried,
    onOurTrouble: (error, { id }) => log.error({ err: error, delivery: id }, 'a webhook could not be tried'),
  });
  const notifications = createNotifications({
    ...{ pool, keys, mailer, publicUrl: config.publicUrl, bell: tellingBell },
    pusher: createPusher({ ...settings, vapid: config.vapid }),
    onOurTrouble: (error, { id }) => log.error({ err: error, notification: id }, 'a notification could not be sent'),
  });
  const inbox = createInbox({ pool: inboxPool, payouts, ledger: createLedger(inboxPool, onWritten), log, bell: inboxBell });
  return [
    { work: inbox, bell: inboxBell },
    { work: webhooks, bell },
    { work: notifications, bell: tellingBell },
    { work: createTotals(pool), bell: totalsBell },
  ];
}

/**
 * Makes sure of the workflow until it is stopped, and that a relay turns in it: whoever reaches Temporal can have one of its name
 * on a queue where nobody works, begin it in ten years, or pause its activity. Where all is well, nothing happens.
 */
export async function keepRelay(
  client: Client,
  log: Logger,
  stopped: AbortSignal,
  lookAfterItMs = LOOK_AFTER_IT_MS,
): Promise<void> {
  let before: string | undefined;
  while (!stopped.aborted) {
    try {
      before = await client.withDeadline(Date.now() + CALL_MS, () => lookAfterIt(client, log, before));
    } catch (error) {
      log.warn({ err: error }, 'the relay could not be started; trying again');
    }
    await sleep(lookAfterItMs, undefined, { signal: stopped }).catch(() => undefined);
  }
}

/**
 * @param before what the last look saw. A relay that turns has beaten since then, and one that fails is at another attempt.
 * @returns what there is to see; undefined: it was begun anew.
 */
async function lookAfterIt(client: Client, log: Logger, before: string | undefined): Promise<string | undefined> {
  await start(client);
  const { runId, type, taskQueue, raw } = await client.workflow.getHandle(RELAY_WORKFLOW_ID).describe();
  const turning = raw.pendingActivities?.find(({ activityType }) => activityType?.name === RUN_RELAY);
  const { seconds = 0, nanos = 0 } = turning?.lastHeartbeatTime ?? {};
  const seen = [runId, turning?.attempt ?? 0, seconds, nanos].join(' ');
  if (seen !== before) return seen;
  log.warn({ runId, type, taskQueue }, 'no relay turns in the workflow of its name; it is begun anew');
  await client.workflow.getHandle(RELAY_WORKFLOW_ID, runId).terminate('no relay turned in it');
  await start(client);
  return undefined;
}

async function start(client: Client): Promise<void> {
  await client.workflow.start(relay, {
    workflowId: RELAY_WORKFLOW_ID,
    taskQueue: PAYOUTS_QUEUE,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}
