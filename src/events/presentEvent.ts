/** An event in the words of whoever hears it: in `GET /events` and, to the byte, in webhooks (api.md §3). */

import { type PublicGame, presentGame } from '../games/present/game.ts';
import type { GameRecord } from '../games/rules/game.ts';
import {
  type PublicBatch,
  type PublicInstantPayout,
  type PublicPayin,
  presentBatch,
  presentInstantPayout,
  presentPayin,
  presentPayinCallback,
  presentPayoutCallback,
} from '../instant/present/instantPayout.ts';
import { presentMarket } from '../markets/present/market.ts';
import { presentResolution } from '../markets/present/resolution.ts';
import type { MarketRecord, ResolutionRecord } from '../markets/rules/market.ts';
import { type PublicPayout, presentPayout } from '../payouts/present/payout.ts';
import type { Mode, PayoutRecord } from '../payouts/rules/contract.ts';
import type { PayoutKind } from '../payouts/rules/kinds.ts';
import { type ProviderPayout, presentProviderPayout } from '../providers/present/providerPayout.ts';
import { presentUserEvent, type ShownOfUser } from '../users/present/userEvent.ts';

/** A row of `events`. */
export interface EventRecord {
  readonly id: string;
  readonly subjectKind: string;
  readonly type: string;
  readonly at: Date;
  readonly mode: Mode;
  readonly sequence: number;
  /** The subject's record right after the change; of what kind, `subjectKind` and `type` say. */
  readonly object: unknown;
}

type Shown =
  | PublicPayout
  | ProviderPayout
  | ShownOfUser
  | PublicGame
  | ReturnType<typeof presentMarket>
  | ReturnType<typeof presentResolution>
  | PublicInstantPayout
  | PublicBatch
  | PublicPayin
  | ReturnType<typeof presentPayoutCallback>
  | ReturnType<typeof presentPayinCallback>;

export interface PublicEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly livemode: boolean;
  readonly sequence: number;
  readonly data: { readonly object: Shown };
}

/** Who hears of events. An owner's kind; a kind of subject is shown to each of them in one way. */
export type Hearer = 'merchant' | 'provider' | 'user';

/** A subject's own callbackUrl may be told in other words than its merchant's endpoints. */
export type Reader = Hearer | 'callback';

/** Each kind of payout in the words of its own API. */
const PAYOUTS: Readonly<Record<PayoutKind, (payout: PayoutRecord) => Shown>> = {
  merchant: presentPayout,
  provider: presentProviderPayout,
  user: presentPayout,
};

/** By the kind of the subject and of the hearer: who is not there hears of none. Each takes the records of its kind. */
const OBJECTS: Readonly<Record<string, Readonly<Partial<Record<Reader, (object: never, type: string) => Shown>>>>> = {
  payout: {
    merchant: (payout: PayoutRecord) => PAYOUTS[payout.kind](payout), // it hears of its providers' payouts, too
    provider: presentProviderPayout,
    user: presentPayout, // of what nobody paid of the user's withdrawal
  },
  user: { merchant: presentUserEvent, user: presentUserEvent },
  game: { merchant: (game: GameRecord) => presentGame(game) },
  market: { merchant: (market: MarketRecord) => presentMarket(market) },
  resolution: { merchant: (resolution: ResolutionRecord) => presentResolution(resolution) },
  instant_payout: { merchant: presentInstantPayout, user: presentInstantPayout, callback: presentPayoutCallback },
  instant_batch: { merchant: presentBatch, user: presentBatch },
  payin: { merchant: presentPayin, user: presentPayin, callback: presentPayinCallback },
};

/** @throws on a kind of subject that has no line in OBJECTS: a mistake in our code. */
export function presentEvent(event: EventRecord, reader: Reader): PublicEvent {
  const { id, subjectKind, type, at, mode, sequence, object } = event;
  const words = OBJECTS[subjectKind];
  const present = words?.[reader] ?? (reader === 'callback' ? words?.merchant : undefined);
  if (!present) throw new Error(`nobody knows how to tell a ${reader} of the ${subjectKind} in ${id}`);
  const shown = present(object as never, type);
  return { id, type, timestamp: at.toISOString(), livemode: mode === 'live', sequence, data: { object: shown } };
}
