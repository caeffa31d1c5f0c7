/** How often one key, or one address without a valid key, may ask: per process, counted in windows of a second. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../problem.ts';

const WINDOW_MS = 1_000;
/** PSPs call back in bursts, from few addresses, and what they say is checked by signature. */
const CALLBACKS_PER_SECOND = 1_000;

export interface RateLimits {
  /** Counts a request of a known key. @throws Problem 429 */
  key(request: FastifyRequest): Promise<void>;
  /** Counts a request that has no valid key. @throws Problem 429 */
  address(request: FastifyRequest): Promise<void>;
  /** Of routes that need no key: apart, so that somebody who guesses keys does not hide our health. */
  open(request: FastifyRequest): Promise<void>;
  callbacks(request: FastifyRequest): Promise<void>;
}

declare module 'fastify' {
  interface FastifyInstance {
    rateLimits: RateLimits;
  }
}

export async function addRateLimits(app: FastifyInstance, perSecond: number): Promise<void> {
  await app.register(rateLimit, { global: false });
  const limit = (max: number, keyOf: (request: FastifyRequest) => string) => {
    const check = app.createRateLimit({ max, timeWindow: WINDOW_MS, keyGenerator: keyOf });
    return async (request: FastifyRequest): Promise<void> => {
      const answer = await check(request);
      if (answer.isAllowed || !answer.isExceeded) return;
      throw new Problem(429, 'rate_limited', `At most ${max} requests a second.`, {
        headers: { 'retry-after': String(Math.max(1, answer.ttlInSeconds)) },
      });
    };
  };
  app.decorate('rateLimits', {
    // Users come by tokens that one key of their merchant made: each by themselves, or they would shut each other out.
    key: limit(perSecond, ({ caller, page, streamUserId = page?.userId ?? '' }) => `key:${caller?.keyId} ${streamUserId}`),
    address: limit(perSecond, (request) => `ip:${request.ip}`),
    open: limit(perSecond, (request) => `open:${request.ip}`),
    callbacks: limit(CALLBACKS_PER_SECOND, (request) => `callback:${request.ip}`),
  });
}
