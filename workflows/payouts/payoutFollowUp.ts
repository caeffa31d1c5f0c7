/**
 * What comes after a payout's own workflow has ended: a return, a late success, a stale message, or a person who has seen
 * what was wrong. Same door, same edges.
 */
import type { FollowUpInput, PspNotice } from '../../src/payouts/rules/contract.ts';
import { isFinal } from '../../src/payouts/rules/machine.ts';
import type { PayoutStanding } from '../../src/payouts/rules/standing.ts';
import { ledger } from './ledgerCalls.ts';
import { hearNotices, takeCommands } from './payoutCommands.ts';
import { openDoor, type PayoutDoor } from './payoutDoor.ts';
import { openStory } from './payoutStory.ts';

export async function payoutFollowUp({ payoutId, times }: FollowUpInput): Promise<void> {
  let door: PayoutDoor | undefined;
  const early: PspNotice[] = [];
  let hear = (notice: PspNotice): void => void early.push(notice);
  hearNotices((notice) => hear(notice));
  // Nothing is left to decide, or to hurry.
  takeCommands({ isOpened: () => door !== undefined, door: () => door, hurry: () => undefined, allowSignalDecisions: false });

  door = openDoor(await ledger.readPayout(payoutId));
  const story = openStory(door, 0, times);
  hear = story.hear;
  for (const attempt of inDoubt(door.seen(), early)) story.lookAgain(attempt);
  for (const notice of early) story.hear(notice);
  await story.play();
}

/** Nobody else looks them up any more, and the PSP's message that one was paid may be lost. A message asks by itself. */
const inDoubt = ({ state, unproven }: PayoutStanding, notices: readonly PspNotice[]): readonly number[] =>
  isFinal(state) ? unproven.filter((attempt) => !notices.some((notice) => notice.attempt === attempt)) : [];
