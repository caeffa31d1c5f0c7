/** What an admin asks of a payout, put to its workflow, and the workflow's answer in the words of HTTP. */
import type { Command, PayoutRecord } from '../../../domain/payout/contract.ts';
import type { ApiContext } from '../../context.ts';
import { notFound, Problem } from '../../problem.ts';
import { steer } from '../../steering.ts';

export interface Decided {
  /** Nobody has taken it up yet; the payout is shown as it stands. */
  readonly isPending: boolean;
  readonly payout: PayoutRecord;
}

export type Refusal = 'already_decided' | 'self_approval' | 'not_allowed';

/** @throws Problem 404, 403 `self_approval` or `forbidden`, 409 `wrong_state` or `already_decided`, 422 `unproven_attempts`. */
export async function decide(context: ApiContext, payoutId: string, command: Command, updateId: string): Promise<Decided> {
  const before = await context.ledger.read(payoutId);
  if (!before) throw notFound();
  const answer = await steer(context, before, command, updateId);
  switch (answer.outcome) {
    case 'done':
      return { isPending: false, payout: answer.payout };
    case 'pending':
      return { isPending: true, payout: (await context.ledger.read(payoutId)) ?? before };
    case 'gone':
    case 'wrong_state':
      throw (await hasDecided(context, before, command)) ? refusal('already_decided') : await wrongState(context, before);
    case 'unproven_attempts':
      throw unprovenAttempts(answer.attempts);
    default:
      throw refusal(answer.outcome);
  }
}

/** A workflow that has ended, or was taken up by a new run, does not remember who decided; the books do. */
async function hasDecided({ prisma }: ApiContext, { id, round }: PayoutRecord, command: Command): Promise<boolean> {
  if (command.type !== 'approved' && command.type !== 'rejected') return false;
  const { adminId } = command;
  return (await prisma.approval.findUnique({ where: { payoutId_round_adminId: { payoutId: id, round, adminId } } })) !== null;
}

const REFUSALS: Readonly<Record<Refusal, readonly [status: number, code: string, detail: string]>> = {
  already_decided: [409, 'already_decided', 'You have decided on this payout already.'],
  not_allowed: [403, 'forbidden', 'You have not, or no longer, the role that this needs.'],
  self_approval: [403, 'self_approval', 'You issued the key that made this payout: somebody else must decide on it.'],
};

function refusal(reason: Refusal): Problem {
  const [status, code, detail] = REFUSALS[reason];
  return new Problem(status, code, detail);
}

/** With the state as it is now: what the admin saw may be what was before. */
async function wrongState({ ledger }: ApiContext, before: PayoutRecord): Promise<Problem> {
  const { state } = (await ledger.read(before.id)) ?? before;
  return new Problem(409, 'wrong_state', `The payout is in the state ${state}, in which this cannot be done.`);
}

/** What the evidence does not name may still be paid, and money that is released for it would be paid twice. */
function unprovenAttempts(attempts: readonly number[]): Problem {
  const detail = `Of these attempts nothing proves what became of them: ${attempts.join(', ')}. Name those that the evidence speaks of.`;
  return new Problem(422, 'unproven_attempts', detail, {
    errors: [{ pointer: '/attempts', code: 'unproven_attempts', detail }],
  });
}
