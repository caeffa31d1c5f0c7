/** A payee withdraws: the whole amount is reserved, and cut into slices that payers pay. */
import type { KeyRing } from '../../crypto/secretBox.ts';
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { openInstantPayout } from '../../ledger/instant.ts';
import { newId } from '../../rules/newId.ts';
import { isOwnUser, type Tenant } from '../../users/reads.ts';
import { INSTANT_ID_PREFIXES, type InstantClient } from '../rules/contract.ts';
import type { PayeeDetails } from '../rules/payee.ts';
import { type InstantPolicy, type OnUnfilled, readPolicy } from '../rules/policy.ts';
import type { BatchRecord, InstantPayoutRecord } from '../rules/records.ts';
import { sealPayee } from './payee.ts';

export interface WithdrawPorts {
  readonly pool: Sql;
  readonly keys: KeyRing;
  readonly instant: InstantClient;
  readonly config: { readonly instantMinuteMs: number };
}

export interface Withdrawal extends Tenant {
  readonly instantPayoutId: string;
  readonly userId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly reference: string;
  readonly payee: PayeeDetails;
  /** In their order: together the amount. */
  readonly slicesMinor: readonly bigint[];
  /** What this withdrawal has otherwise than its merchant's others. */
  readonly agreed: Partial<InstantPolicy>;
  readonly onUnfilled: OnUnfilled;
  readonly callbackUrl: string | null;
}

export type Withdrawn =
  | {
      readonly outcome: 'opened' | 'already';
      readonly instantPayout: InstantPayoutRecord;
      readonly batches: readonly BatchRecord[];
    }
  | { readonly outcome: 'unknown_user' | 'paused' | 'user_frozen' | 'insufficient_balance' | 'duplicate_reference' };

/** Once for its id. Its workflow is told then; should this end between the two, the repeat tells it, or whoever looks after them. */
export async function withdraw({ pool, keys, instant, config }: WithdrawPorts, request: Withdrawal): Promise<Withdrawn> {
  const { payee, slicesMinor, agreed, ...rest } = request;
  if (!(await isOwnUser(pool, request, request.userId))) return { outcome: 'unknown_user' };
  const answer = await openInstantPayout(pool, {
    ...rest,
    payee: sealPayee(keys, payee),
    batches: slicesMinor.map((minor) => ({ batchId: newId(INSTANT_ID_PREFIXES.batch), amountMinor: minor.toString() })),
    policy: { ...scaled(await policyOf(pool, request.merchantId), config.instantMinuteMs), ...agreed },
  });
  await failpoint('withdrawal.opened', request.instantPayoutId);
  if ('instantPayout' in answer) await instant.lookAtInstantPayout(answer.instantPayout.id);
  return answer;
}

async function policyOf(pool: Sql, merchantId: string): Promise<InstantPolicy> {
  const { rows } = await pool.query<{ policy: unknown }>('SELECT instant_policy AS policy FROM merchants WHERE id = $1', [
    merchantId,
  ]);
  return readPolicy(rows[0]?.policy);
}

const MINUTE_MS = 60_000;

/** Its times with minutes that last so long. */
function scaled(policy: InstantPolicy, minuteMs: number): InstantPolicy {
  const by = (ms: number): number => Math.round((ms / MINUTE_MS) * minuteMs);
  return {
    ...policy,
    assignmentMs: by(policy.assignmentMs),
    coolDownMs: by(policy.coolDownMs),
    confirmMs: by(policy.confirmMs),
    fillMs: by(policy.fillMs),
    validateMs: by(policy.validateMs),
  };
}
