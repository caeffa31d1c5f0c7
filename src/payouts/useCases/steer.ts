/** What people and customers ask of a payout that is under way, put to its workflow. */

import type { SteeredAnswer } from '../client.ts';
import type { Command, PayoutRecord } from '../rules/contract.ts';
import { isFinal } from '../rules/machine.ts';
import type { PayoutPorts } from './ports.ts';

/**
 * An open payout whose workflow was lost or terminated gets a new one: somebody must always be able to decide. `gone`: it is
 * over, or there is none.
 * @param updateId the same for a repeat under the same idempotency key: the workflow then gives its first answer.
 */
export async function steer(
  { payouts, ledger }: Pick<PayoutPorts, 'payouts' | 'ledger'>,
  seen: PayoutRecord,
  command: Command,
  updateId: string,
): Promise<SteeredAnswer> {
  const answer = await payouts.command(seen, command, updateId);
  if (answer.outcome !== 'gone') return answer;
  const now = await ledger.read(seen.id);
  if (!now) return answer;
  // What a person has seen of a payout that is over is written down by whatever follows it up.
  if (isFinal(now.state)) return command.type === 'acknowledged' ? await payouts.commandAfterEnd(now, command, updateId) : answer;
  await payouts.resume(now);
  const again = await payouts.command(now, command, updateId);
  // Lost again while it is open: nobody has heard it. "It cannot be done" would be untrue, and be kept under the request's key.
  if (again.outcome !== 'gone' || isFinal(((await ledger.read(seen.id)) ?? now).state)) return again;
  return { outcome: 'pending' };
}
