/** What is played of every payout in the same way: how it is seen, what is done to it, and what the PSP has of it. */
import { isBeforeItsRun, type PayoutState } from '../../src/payouts/rules/machine.ts';
import type { Books } from '../books.ts';
import { type PspName, subjectOf } from '../psp.ts';
import type { Cast, Seen } from '../scenario.ts';
import type { Site } from '../site.ts';
import type { PayoutStage } from './behaviour.ts';
import { act } from './deeds.ts';
import type { PayoutOrder } from './orders.ts';

export function payoutCast(site: Site, psp: PspName): Pick<Cast<PayoutOrder>, 'see' | 'act' | 'inPspCall'> {
  const { books } = site;
  return {
    see: (ids) => seePayouts(books, ids),
    act: (payout, step) => act(site, psp, payout, step),
    async inPspCall(stageOf) {
      const ids = (await books.psps[psp].transfers()).map(subjectOf);
      return ids.filter((id) => stageOf(id) === 'SUBMITTING');
    },
  };
}

interface PayoutRow extends Omit<Seen, 'stage'> {
  readonly state: PayoutState;
  readonly dispatch: 'now' | 'run';
  readonly runId: string | null;
}

async function seePayouts(books: Books, ids: readonly string[]): Promise<Seen[]> {
  const sql = `SELECT id, state, attempt, sequence, dispatch, run_id AS "runId", needs_operator AS "needsOperator" FROM payouts WHERE id = ANY ($1)`;
  return (await books.rows<PayoutRow>(sql, ids)).map((row) => ({ ...row, stage: stageOf(row) }));
}

const stageOf = (row: PayoutRow): PayoutStage => (row.state === 'QUEUED' && isBeforeItsRun(row) ? 'AWAITING_RUN' : row.state);
