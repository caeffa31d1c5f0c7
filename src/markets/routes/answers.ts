/** What came of the use cases of resolutions, in the words of HTTP. */
import { notFound, Problem, unavailable } from '../../http/problem.ts';
import type { DecideAnswer } from '../../ledger/distributions.ts';
import { RESOLUTION_STATUS } from '../present/resolution.ts';
import type { ResolutionRecord } from '../rules/market.ts';
import type { Decided, DecisionRefusal } from '../useCases/decide.ts';
import type { Disputed } from '../useCases/dispute.ts';

const REFUSALS: Readonly<Record<DecisionRefusal, readonly [status: number, code: string, detail: string]>> = {
  not_allowed: [403, 'forbidden', 'You have not, or no longer, the role that this needs.'],
  self_approval: [403, 'self_approval', 'You said what came true: somebody else must decide on it.'],
  already_decided: [409, 'already_decided', 'This resolution was approved or rejected already.'],
  already_rolled_back: [409, 'already_rolled_back', 'This resolution is rolled back, or is being so.'],
};

export function refusal(outcome: DecisionRefusal): Problem {
  const [status, code, detail] = REFUSALS[outcome];
  return new Problem(status, code, detail);
}

/** @throws Problem 404, 403 `self_approval` or `forbidden`, 409; 503 where nobody has heard it yet. */
export function decided(answer: Decided): ResolutionRecord {
  switch (answer.outcome) {
    case 'done':
      return answer.resolution;
    case 'unknown_resolution':
      throw notFound();
    case 'unheard':
      throw unavailable('The engine');
    case 'wrong_state':
      throw new Problem(409, 'wrong_state', `The resolution is ${RESOLUTION_STATUS[answer.state]}: then this cannot be done.`);
    default:
      throw refusal(answer.outcome);
  }
}

/** @throws Problem 403 or 409 for what is not decided. */
export function judged({ outcome }: DecideAnswer): void {
  if (outcome === 'done' || outcome === 'already') return;
  if (outcome === 'wrong_state')
    throw new Problem(409, 'wrong_state', 'Nobody disputes this distribution, or others are still being paid.');
  throw refusal(outcome);
}

/** @throws Problem 403 or 409 for what was not written down. */
export function disputed(answer: Disputed): ResolutionRecord {
  switch (answer.outcome) {
    case 'disputed':
      return answer.resolution;
    case 'not_participant':
      throw new Problem(403, 'not_participant', 'This user has staked nothing here: participants alone may dispute an outcome.');
    case 'already_disputed':
      throw new Problem(409, 'already_disputed', 'This user has disputed this resolution already: once each.');
    case 'wrong_state':
      throw new Problem(409, 'wrong_state', 'No outcome of this market can be disputed now.');
  }
}
