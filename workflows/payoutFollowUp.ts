/** Facts that come after a payout's own workflow has ended: a return, a late success, a stale message. Same door, same edges. */
import { setHandler } from '@temporalio/workflow';
import { type FollowUpInput, type PspNotice, pspNoticeSignal } from '../src/domain/payout/contract.ts';
import { ledger, openDoor } from './payoutDoor.ts';

export async function payoutFollowUp({ payoutId }: FollowUpInput): Promise<void> {
  const notices: PspNotice[] = [];
  setHandler(pspNoticeSignal, (notice) => {
    notices.push(notice);
  });

  const door = openDoor({ payout: await ledger.readPayout(payoutId), notify: false });
  await door.settleDown(notices);
}
