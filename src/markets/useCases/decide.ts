/** What a person says of a resolution, put to its workflow. */
import type { Sql } from '../../db/pool.ts';
import type { MarketsClient } from '../client.ts';
import { readResolution } from '../resolutionReads.ts';
import type { Decision, DecisionAnswer } from '../rules/decision.ts';
import type { ResolutionState } from '../rules/machine.ts';
import type { ResolutionRecord } from '../rules/market.ts';

interface Ports {
  readonly pool: Sql;
  readonly markets: MarketsClient;
}

export interface DecisionRequest {
  readonly adminId: string;
  readonly decision: Decision;
  /** The same for a repeat under the same idempotency key: the workflow then gives its first answer. */
  readonly updateId: string;
}

export type DecisionRefusal = Exclude<DecisionAnswer['outcome'], 'done' | 'already' | 'wrong_state'>;

export type Decided =
  | { readonly outcome: 'done'; readonly resolution: ResolutionRecord }
  /** Nobody has taken it up yet: the same key asks again. */
  | { readonly outcome: 'unheard' | 'unknown_resolution' | DecisionRefusal }
  /** The state as it is now: what the admin saw may be what was before. */
  | { readonly outcome: 'wrong_state'; readonly state: ResolutionState };

export async function decide({ pool, markets }: Ports, resolutionId: string, request: DecisionRequest): Promise<Decided> {
  const before = await readResolution(pool, resolutionId);
  if (!before) return { outcome: 'unknown_resolution' };
  const { outcome } = await markets.decide(before, { ...request, sequence: before.sequence });
  const now = async (): Promise<ResolutionRecord> => (await readResolution(pool, resolutionId)) ?? before;
  switch (outcome) {
    case 'done':
    case 'already':
      return { outcome: 'done', resolution: await now() };
    case 'wrong_state':
      return { outcome, state: (await now()).state };
    case 'pending':
      return { outcome: 'unheard' };
    default:
      return { outcome };
  }
}
