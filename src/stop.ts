/** How a process of oncepay is told to end, and what it says when it cannot begin. */
import { readFileSync } from 'node:fs';

export interface Stop {
  readonly signal: AbortSignal;
  /** When it is asked the first time. */
  readonly asked: Promise<void>;
  /** Done right before the process ends because somebody asked again. */
  onInsist(act: () => void): void;
}

/** Sooner, it is the same Ctrl-C once more: npm passes on what the terminal has sent to everybody. */
const INSIST_AFTER_MS = 1_000;

/** How soon the end of npm is noticed. */
const PARENT_EVERY_MS = 500;

/**
 * Ctrl-C, SIGTERM, a closed terminal, the end of the supervisor or of the npm that started us: each asks for an orderly
 * end. A second signal insists.
 */
export function listenForStop(): Stop {
  const controller = new AbortController();
  let insist = (): void => undefined;
  let askedAt = 0;
  const ask = (): void => {
    askedAt ||= performance.now();
    controller.abort(new Error('Stopped.'));
  };
  const onSignal = (): void => {
    if (askedAt > 0 && performance.now() - askedAt > INSIST_AFTER_MS) {
      insist();
      process.exit(130);
    }
    ask();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (!ignoresHangUp()) process.on('SIGHUP', onSignal);
  process.once('disconnect', ask);
  askWithNpm(ask);
  // Who listened to us may be gone, such as the other end of a pipe: no reason to end with money in the air.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return {
    signal: controller.signal,
    asked: new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true })),
    onInsist(act) {
      insist = act;
    },
  };
}

/** A signal to npm ends npm and its shell, but never reaches us: we notice by having another parent. */
function askWithNpm(ask: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined || process.channel) return;
  const parent = process.ppid;
  const timer = setInterval(() => process.ppid !== parent && ask(), PARENT_EVERY_MS);
  timer.unref();
}

/** Started by nohup, we are meant to outlive the terminal. */
function ignoresHangUp(): boolean {
  try {
    const [, mask = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return (BigInt(`0x${mask}`) & 1n) === 1n; // bit 0 is signal 1
  } catch {
    return false; // not Linux
  }
}

/** One sentence for whoever started it; never a stack trace. */
export function sentenceOf(error: unknown): string {
  // `localhost` is tried by several addresses; together their failures have no message of their own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return String(first);
  const { code, address, port } = first as Error & { code?: string; address?: string; port?: number };
  return code === 'ECONNREFUSED' ? `Nothing answers at ${address}:${port}.` : first.message;
}
