/** This worker's part of the relay: what its loops need, and that the workflow which runs them is there. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
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
import { createWebhooks, LEASE_MS, type WebhookPorts } from '../relay/webhooks.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';

/** There is one in the whole installation. */
export const RELAY_WORKFLOW_ID = 'relay';

/** An operator who ends it by hand has it back soon; one call of every worker. */
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
  const [bell, tellingBell, inboxBell] = [createBell(), createBell(), createBell()];
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
  ];
}

/** Makes sure of the workflow until it is stopped. Where it runs, nothing happens. */
export async function keepRelay(client: Client, log: Logger, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    try {
      await client.withDeadline(Date.now() + CALL_MS, () =>
        client.workflow.start(relay, {
          workflowId: RELAY_WORKFLOW_ID,
          taskQueue: PAYOUTS_QUEUE,
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      );
    } catch (error) {
      log.warn({ err: error }, 'the relay could not be started; trying again');
    }
    await sleep(LOOK_AFTER_IT_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
}
