/** An event as merchants see it: in `GET /events` and, to the byte, in webhooks (api.md §3). */

import { type PublicPayout, presentPayout } from '../payouts/present/payout.ts';
import type { Mode, PayoutRecord } from '../payouts/rules/contract.ts';
import { type ProviderPayout, presentProviderPayout } from '../providers/present/providerPayout.ts';

/** A row of `events`. `object` is the payout's record right after the change. */
export interface EventRecord {
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly mode: Mode;
  readonly sequence: number;
  readonly object: PayoutRecord;
}

export interface PublicEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly livemode: boolean;
  readonly sequence: number;
  readonly data: { readonly object: PublicPayout | ProviderPayout };
}

/** Each kind of payout in the words of its own API. */
export function presentEvent({ id, type, at, mode, sequence, object }: EventRecord): PublicEvent {
  const shown = object.kind === 'provider' ? presentProviderPayout(object) : presentPayout(object);
  return { id, type, timestamp: at.toISOString(), livemode: mode === 'live', sequence, data: { object: shown } };
}
