/** Did the merchant's server hear what happened to a subject, and nothing else? */
import type { EventRow } from './books.ts';
import type { Webhook } from './merchantServer.ts';

/** Every event came at least once, always the same, and none before those of before it; none came that never happened. */
export function webhookProblems(events: readonly Pick<EventRow, 'id'>[], webhooks: readonly Webhook[]): string[] {
  const bodies = new Map<string, Set<string>>();
  for (const { id, body } of webhooks) bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
  const announced = new Set(events.map(({ id }) => id));
  const came = [...new Set(webhooks.map(({ sequence }) => sequence))]; // in the place of the first: what comes again may come late
  const inOrder = came.every((sequence, index) => sequence > (came[index - 1] ?? 0));
  return [
    ...(inOrder ? [] : [`its webhooks came in the order ${came.join(' ')}`]),
    ...[...announced].filter((id) => !bodies.has(id)).map((id) => `webhook ${id} never came`),
    ...[...bodies.keys()].filter((id) => !announced.has(id)).map((id) => `webhook ${id} tells of no event`),
    ...[...bodies].filter(([, versions]) => versions.size > 1).map(([id]) => `webhook ${id} came with different bodies`),
  ];
}
