/** Webhook endpoints and what came of each try, as merchants and admins see them (api.md §3). A secret only as it is rotated. */
import type { WebhookAttempt, WebhookDelivery, WebhookEndpoint } from '../generated/prisma/client.ts';
import type { KeptSecrets } from './rules/rotation.ts';

type ShownEndpoint = Omit<WebhookEndpoint, 'merchantId' | keyof KeptSecrets> & Pick<KeptSecrets, 'previousUntil'>;

export function presentEndpoint(endpoint: ShownEndpoint) {
  const { id, url, eventTypes, mode, disabledAt, disabledReason, pausedAt, previousUntil, createdAt } = endpoint;
  return {
    id,
    object: 'webhook_endpoint',
    url,
    eventTypes,
    disabled: disabledAt !== null,
    disabledReason,
    paused: pausedAt !== null,
    /** Until then the secret before the rotation signs too. */
    previousSecretUntil: previousUntil && previousUntil > new Date() ? previousUntil.toISOString() : null,
    livemode: mode === 'live',
    createdAt: createdAt.toISOString(),
  };
}

/** @param secret the new one, in the clear */
export const presentRotatedEndpoint = (endpoint: WebhookEndpoint, secret: string) => ({
  ...presentEndpoint(endpoint),
  secret,
  dropped: droppedBy(endpoint),
});

/** @param secret the new one, in the clear */
export const presentRotatedSecret = (kept: KeptSecrets, secret: string) => ({
  secret,
  previousSecretUntil: kept.previousUntil?.toISOString() ?? null,
  dropped: droppedBy(kept),
});

const droppedBy = ({ droppedUntil }: Pick<KeptSecrets, 'droppedUntil'>) => droppedUntil && { until: droppedUntil.toISOString() };

/** What waits for an endpoint, and how it does: as the relay's rows have it. */
export interface EndpointHealth {
  readonly failingSince: Date | null;
  readonly waiting: number;
  /** When the relay sends the next of it, if it may. */
  readonly nextTryAt: Date | null;
}

export function presentEndpointWithHealth(endpoint: ShownEndpoint, { failingSince, waiting, nextTryAt }: EndpointHealth) {
  const { disabledAt, pausedAt } = endpoint;
  return {
    ...presentEndpoint(endpoint),
    health: {
      state: disabledAt ? 'disabled' : failingSince ? 'failing' : 'ok',
      since: (disabledAt ?? failingSince)?.toISOString() ?? null,
      waiting,
      nextTryAt: (disabledAt || pausedAt ? null : nextTryAt)?.toISOString() ?? null,
    },
  };
}

export function presentAttempt({ id, deliveryId, number, trigger, statusCode, error, durationMs, response, at }: WebhookAttempt) {
  return {
    id: id.toString(),
    object: 'webhook_attempt',
    deliveryId,
    number,
    trigger,
    statusCode,
    error,
    durationMs,
    response,
    at: at.toISOString(),
  };
}

export function presentDelivery({ id, eventId, endpointId, url, state, resendFrom, attempts }: WebhookDelivery) {
  // While a try waits that a person has asked for, it is what it was.
  return { id, object: 'webhook_delivery', eventId, endpointId, url, state: resendFrom ?? state, attempts };
}
