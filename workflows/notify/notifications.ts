/** Tells people of one event, each by each channel: apart from the payout, which waits for none of them. */
import { type ActivityInterfaceFor, proxyActivities } from '@temporalio/workflow';
import type { NotificationActivities } from '../../activities/notify/notifications.ts';
import type { NotificationsInput } from '../../src/notify/rules/notifications.ts';
import { WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';

/** Short database calls, tried until the database is back. */
const { pendingNotifications, giveUpNotification } = proxyActivities<
  Pick<ActivityInterfaceFor<NotificationActivities>, 'pendingNotifications' | 'giveUpNotification'>
>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '30s', // above the pool's own limits of 10 s each, which give the better error
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * A channel that fails names its next try itself, later each time (src/notify/rules/notifications.ts): no history events, and
 * the UI shows when it comes. The policy's own waits are for our troubles, such as a database that is away.
 */
const { sendNotification } = proxyActivities<Pick<ActivityInterfaceFor<NotificationActivities>, 'sendNotification'>>({
  taskQueue: WEBHOOKS_QUEUE,
  scheduleToCloseTimeout: '24h', // what a mail server did not take in a day it will not; after that it is no news either
  startToCloseTimeout: '10m', // as long as a server may take to accept a mail (RFC 5321, 4.5.3.2.6)
  heartbeatTimeout: '15s', // a dead worker is noticed by five missed beats
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

export async function notifications({ eventId }: NotificationsInput): Promise<void> {
  const pending = await pendingNotifications({ eventId });
  await Promise.all(
    pending.map(async (notification) => {
      const { id, channel } = notification;
      const named = { activityId: id, summary: `send by ${channel}` };
      await sendNotification.executeWithOptions(named, [notification]).catch(() => giveUpNotification({ id }));
    }),
  );
}
