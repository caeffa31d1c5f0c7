/** The relay as an activity: the shell in which Temporal keeps one running, and operators see it. */
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Relay } from '../../src/relay/relay.ts';

export interface RelayActivityPorts {
  readonly relay: Relay;
  /** The process ends: sooner than Temporal says so. */
  readonly stopped: AbortSignal;
}

/** Then a new run begins, so that no run's story grows without end. */
const RUN_MS = 12 * 3_600_000;

/** Beats tell that its loops turn; several in the workflow's heartbeat timeout. */
const BEAT_MS = 1_000;

/** A turn is two calls of the database, each with a limit of 10 s: a loop that says nothing for longer hangs. */
const HANGS_AFTER_MS = 30_000;

export type RelayActivities = ReturnType<typeof createRelayActivities>;

export function createRelayActivities({ relay, stopped }: RelayActivityPorts) {
  return {
    /** @throws where a loop hangs: another run takes over. */
    async runRelay(): Promise<void> {
      const over = new AbortController();
      const signal = AbortSignal.any([stopped, cancellationSignal(), over.signal, AbortSignal.timeout(RUN_MS)]);
      let turnedAt = performance.now();
      const beat = setInterval(() => {
        heartbeat();
        if (performance.now() - turnedAt > HANGS_AFTER_MS) over.abort(new Error('the relay hangs'));
      }, BEAT_MS);
      try {
        await relay.run(signal, () => {
          turnedAt = performance.now();
        });
        if (stopped.aborted || over.signal.aborted)
          throw over.signal.reason ?? new Error('the worker stops: another one goes on');
        cancellationSignal().throwIfAborted();
      } finally {
        clearInterval(beat);
      }
    },
  };
}
