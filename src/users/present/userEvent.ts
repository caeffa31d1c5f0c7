/** What happened to a user, in the words that the merchant's webhooks and the live streams of both are told in. */
import { type GameComplete, presentGameComplete } from '../../games/present/gameEvent.ts';
import type { GameCompleteRecord } from '../../games/rules/game.ts';
import { presentToldDistribution } from '../../markets/present/distribution.ts';
import type { DistributionEventRecord } from '../../markets/rules/market.ts';
import { formatMajor } from '../../rules/money.ts';
import type { MovedRecord, UserEvents, UserRecord } from '../rules/user.ts';
import { type PublicTransaction, presentTransaction } from './transaction.ts';
import { type PublicUser, presentUser } from './user.ts';

/** What moved, with the user's balance of that very commit: drop what has a lower `balanceVersion` than the last you saw. */
export interface MovedMoney extends PublicTransaction {
  readonly newBalance: string;
  readonly balanceVersion: number;
}

export type ShownOfUser = PublicUser | MovedMoney | GameComplete | ReturnType<typeof presentToldDistribution>;

/** What happens to users in other flows has their words. */
interface AllEvents extends UserEvents {
  readonly game_complete: GameCompleteRecord;
  readonly 'distribution.completed': DistributionEventRecord;
  readonly 'distribution.rolled_back': DistributionEventRecord;
}

const EVENTS: { readonly [Type in keyof AllEvents]: (record: AllEvents[Type]) => ShownOfUser } = {
  'user.credited': presentMoved,
  'user.debited': presentMoved,
  'user.frozen': presentUser,
  'user.unfrozen': presentUser,
  game_complete: presentGameComplete,
  'distribution.completed': presentToldDistribution,
  'distribution.rolled_back': presentToldDistribution,
};

/** @throws on a type that has no line in EVENTS: a mistake in our code. */
export function presentUserEvent(record: UserRecord, type: string): ShownOfUser {
  const present: ((record: never) => ShownOfUser) | undefined = EVENTS[type as keyof AllEvents];
  if (!present) throw new Error(`nobody knows how to tell ${type} of ${record.id}`);
  return present(record as never); // its type says which record it has
}

function presentMoved({ id, transaction, balance }: MovedRecord): MovedMoney {
  const newBalance = formatMajor(BigInt(balance.availableMinor), balance.currency);
  return { ...presentTransaction(transaction, id), newBalance, balanceVersion: balance.version };
}
