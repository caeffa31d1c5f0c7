/** Where a resolution stands, as the Temporal UI shows it (Markdown). */
import type { ResolutionStanding } from './contract.ts';
import { isPausable, type ResolutionState } from './machine.ts';

const WAITS_FOR: Readonly<Partial<Record<ResolutionState, string>>> = {
  IN_REVIEW: 'an approver, who is not the resolver, to approve or reject it',
  DISPUTE_WINDOW: 'the end of the time in which participants may dispute it',
  DISPUTED: 'an approver, who is not the resolver, to uphold or overturn it',
  PLANNING_STOPPED: 'an operator to retry it',
  WAITING_FOR_FUNDS: 'the merchant’s available money to cover what the pool lacks since a rollback',
  PAYING_STOPPED: 'an operator to retry it, or an approver to roll it back',
  ROLLING_BACK_STOPPED: 'an operator to retry it',
};

export function currentDetails(resolution: ResolutionStanding): string {
  const { state, outcome, needsOperator, reason, isPaused } = resolution;
  const waitsFor = WAITS_FOR[state];
  return [
    `**${state}**, outcome \`${outcome}\``,
    ...progressOf(resolution),
    ...(waitsFor === undefined ? [] : [`waits for ${waitsFor}`]),
    ...(isPaused && isPausable(state) ? ['**paused**: it goes on by itself once no pause holds any more'] : []),
    ...(needsOperator ? ['**needs an operator**'] : []),
    ...(reason === null ? [] : [reason]),
  ].join('\n\n');
}

function progressOf({ users, paidUsers, undoneUsers }: ResolutionStanding): string[] {
  if (users === null) return [];
  return [`${paidUsers} of ${users} users paid`, ...(undoneUsers > 0 ? [`${undoneUsers} users undone`] : [])];
}
