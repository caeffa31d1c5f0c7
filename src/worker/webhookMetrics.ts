/** What came of this worker's tries to bring merchants their webhooks, for Prometheus. */
import { Counter, type Registry } from 'prom-client';
import type { DeliveryState } from '../webhooks/deliveries.ts';

const STATES: readonly DeliveryState[] = ['delivered', 'pending', 'failed'];

/** @returns what to call with the state of a delivery after each try. */
export function webhookMetrics(registry: Registry): (state: DeliveryState) => void {
  const tries = new Counter({
    name: 'oncepay_webhook_tries_total',
    help: 'Tries to deliver a webhook, by what the delivery was afterwards: delivered, pending (tried again later) or failed (given up).',
    labelNames: ['state'],
    registers: [registry],
  });
  for (const state of STATES) tries.inc({ state }, 0); // the first failure must be seen as an increase
  return (state) => tries.inc({ state });
}
