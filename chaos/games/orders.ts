/** The games of a run, each with players of its own who have come with their money. */
import { formatMajor } from '../../src/rules/money.ts';
import { insist } from '../insist.ts';
import type { Order } from '../scenario.ts';
import type { Site } from '../site.ts';
import { type GameBehaviour, PLAYERS, PURSE } from './behaviour.ts';

export const CURRENCY = 'INR';

export const major = (minor: bigint): string => formatMajor(minor, CURRENCY);

export interface GameOrder extends Order {
  readonly behaviour: GameBehaviour;
  readonly currency: string;
  /** Ids, in the order of `PLAYERS`. */
  readonly players: readonly string[];
}

/** A merchant whose games are played. */
export interface House {
  readonly key: string;
}

/** Different for every order of an installation. */
let serial = 0;

export function drawGame(site: Site, behaviour: GameBehaviour, { key }: House): () => Promise<GameOrder> {
  serial += 1;
  const idempotencyKey = `chaos-game-${process.pid}-${serial}`;
  let calls = 0;
  const call = async (path: string, body: object): Promise<string> => {
    calls += 1;
    const asked = { path, key, body, idempotencyKey: `${idempotencyKey}-${calls}` };
    return String((await insist(site.here, asked, { isOver: site.isOver })).body['id']);
  };
  return async () => {
    const players: string[] = [];
    for (const nth of PLAYERS.keys()) {
      const externalId = `${idempotencyKey}-${nth}`;
      const id = await call('/api/v1/users', { externalId });
      await call(`/api/v1/users/${id}/credit`, { amount: major(PURSE), currency: CURRENCY, externalId });
      players.push(id);
    }
    const body = { type: 'andar_bahar', currency: CURRENCY };
    return { path: '/api/v1/games', key, body, idempotencyKey, behaviour, currency: CURRENCY, players };
  };
}
