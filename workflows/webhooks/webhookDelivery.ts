/** One event for one receiver that did not take it at once: tries again over three days, then gives up. */
import { type ActivityInterfaceFor, condition, proxyActivities, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { AttemptAnswer, WebhookActivities } from '../../activities/webhooks/webhooks.ts';
import { WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { retryNowSignal, type WebhookDeliveryInput, type WebhookDeliveryResult } from '../../src/webhooks/rules/delivery.ts';
import { TRIES_MAX, waitAfter } from '../../src/webhooks/rules/schedule.ts';
import { now } from '../clock.ts';

/** What the receiver says is an answer, not an error: these retries are for our own troubles, such as a database that is away. */
const { attemptDelivery } = proxyActivities<Pick<ActivityInterfaceFor<WebhookActivities>, 'attemptDelivery'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '90s', // above WEBHOOK_TIMEOUT's upper limit and the database's 2 × 10 s
  heartbeatTimeout: '15s', // a dead worker is noticed by five missed beats
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

export async function webhookDelivery(input: WebhookDeliveryInput): Promise<WebhookDeliveryResult> {
  let retryAsked = false;
  setHandler(retryNowSignal, () => {
    retryAsked = true;
  });

  if (input.trigger === 'resend') return resultOf(await attempt('resend', false, 'resend'));

  let answer: AttemptAnswer | undefined; // of the first try it is not known here
  for (let number = Math.min(input.tried + 1, TRIES_MAX); ; number += 1) {
    const name = `try ${number} of ${TRIES_MAX}`;
    const isLast = number === TRIES_MAX;
    const early = await waitFor(waitAfter(number - 1, answer) ?? 0, name);
    if (early) return resultOf(early);
    answer = await attempt('auto', isLast, name);
    if (answer.final || isLast) return resultOf(answer);
  }

  /** Until the next try is due. A try that a person asks for comes besides, and its answer counts if it is final. */
  async function waitFor(ms: number, name: string): Promise<AttemptAnswer | undefined> {
    const dueAt = now() + ms;
    setCurrentDetails(`${name} is due at ${new Date(dueAt).toISOString()}; the signal \`retryNow\` makes one at once`);
    for (let leftMs = ms; leftMs > 0; leftMs = dueAt - now()) {
      if (!(await condition(() => retryAsked, leftMs, { summary: `wait before ${name}` }))) return undefined;
      retryAsked = false;
      const answer = await attempt('auto', false, `asked for before ${name}`);
      if (answer.final) return answer;
    }
    return undefined;
  }

  function attempt(trigger: 'auto' | 'resend', isLast: boolean, summary: string): Promise<AttemptAnswer> {
    return attemptDelivery.executeWithOptions({ summary }, [{ deliveryId: input.deliveryId, trigger, isLast }]);
  }
}

const resultOf = ({ delivered }: AttemptAnswer): WebhookDeliveryResult => ({ delivered });
