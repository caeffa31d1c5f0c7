/** What came of a use case, in the words of HTTP. */
import type { Answer, Pending } from '../http/plugins/idempotency.ts';
import { brokenRule, duplicateReference, invalidRequest, notFound, Problem, unavailable } from '../http/problem.ts';
import type { OrderFault } from './orders.ts';
import type { PayoutRecord, RefusalCode } from './rules/contract.ts';
import { PUBLIC_STATUS } from './rules/machine.ts';
import { REFUSALS } from './rules/refusals.ts';
import type { Cancelled } from './useCases/cancel.ts';
import type { Decided, DecisionRefusal } from './useCases/decide.ts';
import type { Taken, TakenIn } from './useCases/takeIn.ts';

/** @throws Problem 400, 409 or 422 for what is wrong or refused; 503 where only a worker knows the answer. */
export function takenAnswer(taken: TakenIn<OrderFault>, present: (payout: PayoutRecord) => Answer): Answer | Pending {
  switch (taken.outcome) {
    case 'taken':
      return present(taken.payout);
    case 'pending':
      return { pending: taken.payout };
    case 'refused':
      throw refusal(taken.code);
    case 'faulty':
      throw orderProblem(taken.fault);
    case 'no_psp': {
      const { currency, mode } = taken.order;
      throw new Problem(422, 'psp_not_configured', `No payment provider is configured for ${currency} in ${mode} mode.`);
    }
    case 'undecided':
      throw unavailable('The engine');
  }
}

function orderProblem(fault: OrderFault): Problem {
  switch (fault.kind) {
    case 'invalid':
      return invalidRequest(fault.errors);
    case 'broken_rule':
      return brokenRule(fault.errors);
    case 'no_bank_account':
      return new Problem(422, 'bank_account_missing', 'There is no bank account to pay to: the platform must enter one first.');
  }
}

const REFUSAL_STATUS: Readonly<Record<Exclude<RefusalCode, 'duplicate_reference'>, number>> = {
  insufficient_balance: 400,
  not_reinitiable: 409,
  user_frozen: 409,
  not_bookable: 422,
};

const refusal = (code: RefusalCode): Problem =>
  code === 'duplicate_reference' ? duplicateReference(REFUSALS[code]) : new Problem(REFUSAL_STATUS[code], code, REFUSALS[code]);

/** @throws Problem 409 `not_cancellable`; 503 where nobody has heard it yet. */
export function cancelled(answer: Cancelled): PayoutRecord {
  switch (answer.outcome) {
    case 'cancelled':
      return answer.payout;
    case 'unheard':
      throw unavailable('The engine');
    case 'too_late': {
      const detail = 'A payout can be cancelled only while nothing of it may be with the payment provider.';
      throw new Problem(409, 'not_cancellable', detail);
    }
  }
}

/** The outcome in one word, for the audit log. */
export const wordOf = (answer: Taken | Decided): string => {
  if (answer.outcome === 'refused') return answer.code;
  if (answer.outcome === 'not_allowed') return 'forbidden';
  return answer.outcome === 'taken' ? 'done' : answer.outcome;
};

const DECISION_REFUSALS: Readonly<Record<DecisionRefusal, readonly [status: number, code: string, detail: string]>> = {
  already_decided: [409, 'already_decided', 'You have decided on this payout already.'],
  not_allowed: [403, 'forbidden', 'You have not, or no longer, the role that this needs.'],
  attempt_alive: [
    409,
    'attempt_alive',
    'By something that was sent for this payout money may still go out: another provider may pay it only once that is proven dead.',
  ],
  self_approval: [403, 'self_approval', 'You issued the key that made this payout: somebody else must decide on it.'],
};

/** @throws Problem 404, 403 `self_approval` or `forbidden`, 409 `wrong_state` or `already_decided`, 422 `unproven_attempts`. */
export function decidedAnswer(decided: Decided, present: (payout: PayoutRecord) => Answer): Answer | Pending {
  switch (decided.outcome) {
    case 'done':
      return present(decided.payout);
    case 'pending':
      return { pending: decided.payout };
    case 'unknown_payout':
      throw notFound();
    case 'no_psp':
      throw new Problem(422, 'psp_not_configured', 'No payment provider of this name is configured for the mode of this payout.');
    case 'wrong_state':
      throw new Problem(409, 'wrong_state', `The payout is ${PUBLIC_STATUS[decided.state]}: then this cannot be done.`);
    case 'unproven_attempts':
      throw unprovenAttempts(decided.attempts);
    default: {
      const [status, code, detail] = DECISION_REFUSALS[decided.outcome];
      throw new Problem(status, code, detail);
    }
  }
}

function unprovenAttempts(attempts: readonly number[]): Problem {
  const detail = `Of these attempts nothing proves what became of them: ${attempts.join(', ')}. Name those that the evidence speaks of.`;
  return new Problem(422, 'unproven_attempts', detail, {
    errors: [{ pointer: '/attempts', code: 'unproven_attempts', detail }],
  });
}
