/** Live streams: how many may be open, and what one more is told. Who serves them knows the events (src/events/streams.ts). */
import { Problem } from './problem.ts';

/**
 * Of one user: some tabs on some devices. Of one key: a platform's users come by tokens that one key made, and a thousand of
 * them at one process are ordinary. Of one merchant: half of all, however many keys it has. In all: a stream is a socket and some tens of kilobytes, and a process may open as many
 * files; beyond that another process is due.
 */
export const MOST_STREAMS = { ofAUser: 10, ofAKey: 2_000, ofAMerchant: 2_500, inAll: 5_000 } as const;

/** A place comes free when somebody leaves: nobody knows when. */
const RETRY_AFTER_S = 10;

const TOO_MANY: Readonly<Record<keyof typeof MOST_STREAMS, string>> = {
  ofAUser: `At most ${MOST_STREAMS.ofAUser} streams of one user may be open at once.`,
  ofAKey: `At most ${MOST_STREAMS.ofAKey} streams of one key, and of the tokens it made, may be open at once.`,
  ofAMerchant: `At most ${MOST_STREAMS.ofAMerchant} streams of one merchant may be open at once.`,
  inAll: `At most ${MOST_STREAMS.inAll} streams may be open at once.`,
};

export const tooManyStreams = (of: keyof typeof MOST_STREAMS): Problem =>
  new Problem(429, 'too_many_streams', TOO_MANY[of], { headers: { 'retry-after': String(RETRY_AFTER_S) } });

/** The process ends, and another one has begun or soon will. */
export const noMoreStreams = (): Problem =>
  new Problem(503, 'closing', 'This process ends. Come again: another one resumes from your last id.', {
    headers: { 'retry-after': '1' },
  });
