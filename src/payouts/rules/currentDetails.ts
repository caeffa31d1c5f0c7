/** Where a payout stands, as the Temporal UI shows it (Markdown): the words, and `waitingOn` as the runbook lists it. */
import { isBeforeItsRun, isPaused, type PayoutState, PUBLIC_STATUS, waitingOn } from './machine.ts';
import type { PayoutStanding } from './standing.ts';

const WAITS_FOR: Readonly<Partial<Record<PayoutState, string>>> = {
  IN_REVIEW: 'an approver to approve or reject it',
  REVIEW_ON_HOLD: 'an operator to release or reject it',
  ON_HOLD: 'an operator to release or reject it',
  RETRY_WAIT: 'the time of its next attempt',
  PSP_QUEUED: 'the PSP, which has queued it',
  PSP_HELD: 'the PSP, which holds it',
  PROCESSING: 'the PSP',
  UNKNOWN: 'proof of what became of the request: looked up until the deadline',
  UNRESOLVED: 'an operator to resolve it, from the PSP’s own records',
};

export function currentDetails(payout: PayoutStanding): string {
  const { state, attempt, round, hold, failure, needsOperator } = payout;
  const status = PUBLIC_STATUS[state];
  const head = [
    `**${status}**${status === state ? '' : ` (${state})`}`,
    ...(attempt > 0 ? [`attempt ${attempt}`] : []),
    ...(round > 1 ? [`round ${round}`] : []),
  ];
  return [
    head.join(', '),
    ...waitsFor(payout),
    ...(needsOperator ? ['**needs an operator**'] : []),
    ...(hold ? [`held by ${hold.source === 'psp' ? 'the PSP' : hold.source}: ${hold.reason}`] : []),
    ...(failure ? [`${failure.code}: ${failure.message}`] : []),
  ].join('\n\n');
}

function wordsFor(payout: PayoutStanding): string | undefined {
  if (payout.state === 'QUEUED' && isBeforeItsRun(payout)) return 'the next payout run';
  return isPaused(payout) ? `the end of the pause ${payout.pausedBy}` : WAITS_FOR[payout.state];
}

function waitsFor(payout: PayoutStanding): string[] {
  const { state, review } = payout;
  const words = wordsFor(payout);
  if (words === undefined) return [];
  const reasons = state === 'IN_REVIEW' ? (review?.reasons ?? []) : [];
  return [`waits for ${words} (\`${waitingOn(payout)}\`)`, ...reasons.map(({ code, detail }) => `- ${code}: ${detail}`)];
}
