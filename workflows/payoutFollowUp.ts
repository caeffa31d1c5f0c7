/** Facts that come after a payout's own workflow has ended: a return, a late success, a stale message. Same door, same edges. */
import { setHandler } from '@temporalio/workflow';
import { type FollowUpInput, type PspNotice, pspNoticeSignal } from '../src/domain/payout/contract.ts';
import { ledger } from './ledgerCalls.ts';
import { openDoor } from './payoutDoor.ts';
import { openStory } from './payoutStory.ts';

export async function payoutFollowUp({ payoutId, times }: FollowUpInput): Promise<void> {
  const early: PspNotice[] = [];
  let hear = (notice: PspNotice): void => void early.push(notice);
  setHandler(pspNoticeSignal, (notice) => hear(notice));

  const door = openDoor({ payout: await ledger.readPayout(payoutId), notify: false });
  const story = openStory(door, 0, times);
  hear = story.hear;
  for (const notice of early) story.hear(notice);
  await story.play();
}
