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
      return refused(request.decision, before, await now());
    case 'pending':
      return { outcome: 'unheard' };
    default:
      return { outcome };
  }
}

/** A second rollback is told so by its own word, whoever refused it. */
const UNDONE: ReadonlySet<ResolutionState> = new Set(['ROLLING_BACK', 'ROLLING_BACK_STOPPED', 'ROLLED_BACK']);

/**
 * A workflow that was begun again for a decision obeys none that had seen less than it does: where only an event came between, such
 * as a user's dispute, and the state is what it was, the same key asks again.
 */
function refused({ kind }: Decision, before: ResolutionRecord, now: ResolutionRecord): Decided {
  if (kind === 'rollback' && UNDONE.has(now.state)) return { outcome: 'already_rolled_back' };
  if (now.state === before.state && now.sequence !== before.sequence) return { outcome: 'unheard' };
  return { outcome: 'wrong_state', state: now.state };
}
