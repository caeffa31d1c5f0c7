/** `?wait=`: what a request that waits for a change says, and how many may. Who wakes them knows the events (src/events/waiters.ts). */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Problem } from './problem.ts';
import { atField } from './times.ts';

/** Below the half minute after which proxies and load balancers commonly give a silent request up. */
const WAIT_MAX_S = 25;

/**
 * Of one key: as many payouts as a program follows one by one; who makes more of them has webhooks. Of one merchant, its
 * providers' keys among them: five such programs; whoever has many keys leaves three quarters to the others. In all: one event, or the end of the process, may wake them all, and the last to be read for
 * should not feel it (two cores read some 2,000 a second); and each holds a connection.
 */
export const MOST_WAITERS = { ofAKey: 50, ofAMerchant: 250, inAll: 1_000 } as const;

/** A place comes free at every change, and at the latest after WAIT_MAX_S: two a second, with all of a key's taken. */
const RETRY_AFTER_S = 1;

export const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^(1?[0-9]|2[0-5])$/, `Must be a whole number of seconds from 0 to ${WAIT_MAX_S}.`)
    .optional()
    .meta({
      type: 'integer',
      minimum: 0,
      maximum: WAIT_MAX_S,
      pattern: undefined,
      description: `Answer as soon as the status changes, at the latest after so many seconds. At most ${MOST_WAITERS.ofAKey} requests of a key may wait at once, ${MOST_WAITERS.ofAMerchant} of a merchant, and ${MOST_WAITERS.inAll} in all: one more is 429 \`too_many_waiters\``,
    }),
});

/** For what can also be looked back at. Of the past there is nothing to wait for. */
export const waitOrAtQuery = waitQuery.extend({ at: atField }).refine(({ wait, at }) => wait === undefined || at === undefined, {
  path: ['at'],
  error: 'Either `wait` or `at`.',
});

/** Aborted when the client has hung up, be it before this is asked. */
export function hungUp({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  else raw.once('close', () => gone.abort());
  return gone.signal;
}

const TOO_MANY: Readonly<Record<keyof typeof MOST_WAITERS, string>> = {
  ofAKey: `At most ${MOST_WAITERS.ofAKey} requests of one key may wait at once.`,
  ofAMerchant: `At most ${MOST_WAITERS.ofAMerchant} requests of one merchant may wait at once.`,
  inAll: `At most ${MOST_WAITERS.inAll} requests may wait at once.`,
};

const tooManyWaiters = (of: keyof typeof MOST_WAITERS): Problem =>
  new Problem(429, 'too_many_waiters', `${TOO_MANY[of]} Ask without \`wait\`, or let webhooks tell you.`, {
    headers: { 'retry-after': String(RETRY_AFTER_S) },
  });

type Serve<Shown> = (wait: {
  readonly waitMs: number;
  readonly gone: AbortSignal;
}) => Promise<
  { readonly outcome: 'shown'; readonly now: Shown } | { readonly outcome: 'too_many'; readonly of: keyof typeof MOST_WAITERS }
>;

/**
 * What a GET shows: as it is now or, with `?wait=`, as whoever serves those who wait has it.
 * @throws Problem 429 `too_many_waiters`.
 */
export async function nowOrAfter<Shown>(
  reply: FastifyReply,
  { wait }: z.infer<typeof waitQuery>,
  read: () => Promise<Shown>,
  serve: Serve<Shown>,
): Promise<Shown> {
  const waitMs = Number.parseInt(wait ?? '0', 10) * 1_000;
  if (waitMs === 0) return await read();
  const waited = await serve({ waitMs, gone: hungUp(reply) });
  if (waited.outcome === 'too_many') throw tooManyWaiters(waited.of);
  return waited.now;
}
