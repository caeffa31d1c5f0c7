/** What an admin asks of a payout, put to its workflow. */
import type { Pool } from 'pg';
import type { Command, PayoutRecord } from '../rules/contract.ts';
import type { PayoutState } from '../rules/machine.ts';
import { asAnswered } from './answered.ts';
import type { PayoutPorts } from './ports.ts';
import { steer } from './steer.ts';

export type DecisionRefusal = 'already_decided' | 'self_approval' | 'not_allowed' | 'attempt_alive';

export type Decided =
  | { readonly outcome: 'done'; readonly payout: PayoutRecord }
  /** Nobody has taken it up yet; the payout is shown as it stands. */
  | { readonly outcome: 'pending'; readonly payout: PayoutRecord }
  | { readonly outcome: 'unknown_payout' }
  /** Routed to a PSP that no payout of its mode can go to. */
  | { readonly outcome: 'no_psp' }
  | { readonly outcome: DecisionRefusal }
  /** The state as it is now: what the admin saw may be what was before. */
  | { readonly outcome: 'wrong_state'; readonly state: PayoutState }
  /** What the evidence does not name may still be paid, and money that is released for it would be paid twice. */
  | { readonly outcome: 'unproven_attempts'; readonly attempts: readonly number[] };

/** @param updateId the same for a repeat under the same idempotency key: the workflow then gives its first answer. */
export async function decide(
  ports: Pick<PayoutPorts, 'pool' | 'payouts' | 'ledger' | 'psps'>,
  payoutId: string,
  command: Command,
  updateId: string,
): Promise<Decided> {
  const before = await ports.ledger.read(payoutId);
  if (!before) return { outcome: 'unknown_payout' };
  // The books know no configuration.
  if (command.type === 'routed' && !ports.psps.byName(command.psp, before.mode)) return { outcome: 'no_psp' };
  const answer = await steer(ports, before, command, updateId);
  switch (answer.outcome) {
    case 'pending':
      return { outcome: 'pending', payout: (await ports.ledger.read(payoutId)) ?? before };
    case 'gone':
    case 'wrong_state':
      if (await hasDecided(ports.pool, before, command)) return { outcome: 'already_decided' };
      return { outcome: 'wrong_state', state: ((await ports.ledger.read(payoutId)) ?? before).state };
    case 'done':
      return { outcome: 'done', payout: await asAnswered(ports.pool, before, answer.sequence) };
    case 'unproven_attempts':
      return answer;
    default:
      return { outcome: answer.outcome };
  }
}

/** A workflow that has ended, or was taken up by a new run, does not remember who decided; the books do. */
async function hasDecided(pool: Pool, { id, round }: PayoutRecord, command: Command): Promise<boolean> {
  if (command.type !== 'approved' && command.type !== 'rejected') return false;
  const { rowCount } = await pool.query('SELECT FROM approvals WHERE subject_id = $1 AND round = $2 AND admin_id = $3', [
    id,
    round,
    command.adminId,
  ]);
  return rowCount !== 0;
}
