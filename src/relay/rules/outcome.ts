/** What becomes of a delivery after a try. */
import { waitAfter } from '../../webhooks/rules/schedule.ts';

/** How the try came about: `probe`: the receiver is failing, and this one asks whether it is back. */
export type TryKind = 'auto' | 'probe' | 'resend';

/** What came back, as `postWebhook` says it. */
export type Reply =
  | { readonly outcome: 'delivered' | 'refused' }
  | { readonly outcome: 'failed'; readonly statusCode: number | null; readonly retryAfterMs: number | null };

export interface Outcome {
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly spends: boolean;
  readonly waitMs: number | null;
  readonly gone: boolean;
  /** What it says of the receiver; null: nothing. */
  readonly answered: boolean | null;
}

const GONE = 410;

/** @param tries of its schedule that were spent before. */
export function outcomeOf(result: Reply, kind: TryKind, tries: number): Outcome {
  switch (result.outcome) {
    case 'delivered':
      return { state: 'delivered', spends: kind === 'auto', waitMs: null, gone: false, answered: true };
    case 'refused': // no later try could change that: the merchant must give another URL
      return { state: 'failed', spends: kind === 'auto', waitMs: null, gone: false, answered: null };
    case 'failed': {
      if (result.statusCode === GONE)
        return { state: 'failed', spends: kind === 'auto', waitMs: null, gone: true, answered: false };
      if (kind === 'probe') return { state: 'pending', spends: false, waitMs: null, gone: false, answered: false };
      const spent = tries + (kind === 'auto' ? 1 : 0);
      const waitMs = waitAfter(spent, result) ?? null;
      return { state: waitMs === null ? 'failed' : 'pending', spends: kind === 'auto', waitMs, gone: false, answered: false };
    }
  }
}
