/** Facts that come after a payout's own workflow has ended: a return, a late success, a stale message. Same door, same edges. */
import type { FollowUpInput, PspNotice } from '../src/domain/payout/contract.ts';
import { hearNotices } from './payoutCommands.ts';
import { ledger, openDoor } from './payoutDoor.ts';

export async function payoutFollowUp({ payoutId }: FollowUpInput): Promise<void> {
  const notices: PspNotice[] = [];
  hearNotices(notices);

  const door = openDoor({ payout: await ledger.readPayout(payoutId), notify: false });
  await door.settleDown(notices);
}
