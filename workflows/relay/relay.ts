/** Keeps the relay running: one activity, for ever. What it does stands in rows; nothing of it is in a history. */
import { type ActivityInterfaceFor, continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { RelayActivities } from '../../activities/relay/relay.ts';
import { RELAY_QUEUE } from '../../src/temporal/rules/queues.ts';

const { runRelay } = proxyActivities<ActivityInterfaceFor<RelayActivities>>({
  taskQueue: RELAY_QUEUE,
  startToCloseTimeout: '13h', // it ends by itself after twelve
  heartbeatTimeout: '5s', // five beats: a dead worker's relay is replaced before its leases have run out
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '5s' },
  summary: 'webhooks, notifications, messages of PSPs',
});

export async function relay(): Promise<void> {
  await runRelay();
  await continueAsNew<typeof relay>();
}
