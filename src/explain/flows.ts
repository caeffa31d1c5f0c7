/** Every flow that explains itself: whoever adds one writes src/<flow>/rules/explain.ts and a line here. */
import type { Sql } from '../db/pool.ts';
import type { StoryOwner } from '../events/story.ts';
import { explainGame } from '../games/rules/explain.ts';
import type { GameRecord } from '../games/rules/game.ts';
import { GAME } from '../games/rules/machine.ts';
import { presentPayin } from '../instant/present/instantPayout.ts';
import { readInstantPayout } from '../instant/reads.ts';
import { BATCH } from '../instant/rules/batchMachine.ts';
import { explainBatch, explainPayin, explainWithdrawal } from '../instant/rules/explain.ts';
import { PAYIN } from '../instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT } from '../instant/rules/payoutMachine.ts';
import type { BatchRecord, InstantPayoutRecord, PayinRecord } from '../instant/rules/records.ts';
import { RESOLUTION_STATUS } from '../markets/present/resolution.ts';
import { explainResolution } from '../markets/rules/explain.ts';
import { RESOLUTION } from '../markets/rules/machine.ts';
import type { ResolutionRecord } from '../markets/rules/market.ts';
import { findRequested } from '../payouts/reads.ts';
import { explainPayout } from '../payouts/rules/explain.ts';
import { isBeforeItsRun, PAYOUT, PUBLIC_STATUS } from '../payouts/rules/machine.ts';
import type { RecordedPayout } from '../payouts/rules/recorded.ts';
import { providerStatus } from '../providers/present/providerPayout.ts';
import type { Reasons, Told } from '../rules/explain.ts';
import type { PausableFlow } from '../rules/flows.ts';
import type { Scope } from '../rules/scopes.ts';

interface PausedAs {
  readonly flow: PausableFlow;
  readonly merchantId: string;
}

interface FlowOf<Record> {
  /** Of the routes: `/<path>/:id/explain`. */
  readonly path: string;
  /** Under which they are documented. */
  readonly tag: string;
  /** Kind of the subject, and prefix of its ids. */
  readonly subject: string;
  readonly prefix: string;
  readonly scope: Scope;
  /** Every state of it can be asked about. */
  readonly machine: { readonly states: object };
  readonly explain: (told: Told<Record>) => Reasons;
  /** By whom it may be asked besides operators, and what they call its state. */
  readonly status: Readonly<Partial<{ [Owner in 'merchant' | 'provider']: (record: Record) => string }>>;
  /** Waits for a run, so that Temporal is asked when that comes. */
  readonly waitsForRun?: (record: Record) => boolean;
  /** By what a pause holds it back; undefined: its record says so itself, or nobody does. */
  readonly pausedAs?: (record: Record, sql: Sql) => PausedAs | Promise<PausedAs | undefined>;
  /** Where its money lies is worked out from its story: its entries are too many to be summed up. */
  readonly knowsItsMoney?: true;
  /** One that has no event yet. */
  readonly unheard?: (sql: Sql, id: string, at: string | undefined) => Promise<Unheard<Record> | undefined>;
}

export interface Unheard<Record> {
  readonly record: Record;
  readonly owner: StoryOwner;
}

export type ExplainedFlow = FlowOf<never>;

/** What goes in is what comes out of the same flow's story: nobody else needs to know which. */
const flow = <Record>(one: FlowOf<Record>): ExplainedFlow => one as unknown as ExplainedFlow;

export const EXPLAINED: readonly ExplainedFlow[] = [
  flow<RecordedPayout>({
    path: 'payouts',
    tag: 'payouts',
    subject: 'payout',
    prefix: 'po',
    scope: 'payouts:read',
    machine: PAYOUT,
    explain: explainPayout,
    status: { merchant: ({ state }) => PUBLIC_STATUS[state], provider: providerStatus },
    waitsForRun: (payout) => payout.state === 'QUEUED' && isBeforeItsRun(payout),
    async unheard(sql, id, at) {
      const record = await findRequested(sql, id, at);
      return record && { record, owner: { ...record.owner, mode: record.mode } };
    },
  }),
  flow<GameRecord>({
    path: 'games',
    tag: 'games',
    subject: 'game',
    prefix: 'gam',
    scope: 'games:read',
    machine: GAME,
    explain: explainGame,
    status: { merchant: ({ state }) => state },
    pausedAs: ({ merchantId }) => ({ flow: 'games', merchantId }),
  }),
  flow<ResolutionRecord>({
    path: 'resolutions',
    tag: 'markets',
    subject: 'resolution',
    prefix: 'res',
    scope: 'markets:read',
    machine: RESOLUTION,
    explain: explainResolution,
    status: { merchant: ({ state }) => RESOLUTION_STATUS[state] },
    pausedAs: ({ merchantId }) => ({ flow: 'markets', merchantId }),
    knowsItsMoney: true,
  }),
  flow<InstantPayoutRecord>({
    path: 'instant-payouts',
    tag: 'instant payouts',
    subject: 'instant_payout',
    prefix: 'ip',
    scope: 'instant:read',
    machine: INSTANT_PAYOUT,
    explain: explainWithdrawal,
    status: { merchant: ({ state }) => state },
    pausedAs: ({ merchantId }) => ({ flow: 'instant', merchantId }),
  }),
  flow<BatchRecord>({
    path: 'instant-payouts/batches',
    tag: 'instant payouts',
    subject: 'instant_batch',
    prefix: 'ipb',
    scope: 'instant:read',
    machine: BATCH,
    explain: explainBatch,
    status: {}, // its record names neither of the two merchants: they ask of the withdrawal, or of the payin
    async pausedAs({ instantPayoutId }, sql) {
      const payees = await readInstantPayout(sql, instantPayoutId);
      return payees && { flow: 'instant', merchantId: payees.merchantId };
    },
  }),
  flow<PayinRecord>({
    path: 'payins',
    tag: 'instant payouts',
    subject: 'payin',
    prefix: 'pin',
    scope: 'instant:read',
    machine: PAYIN,
    explain: explainPayin,
    status: { merchant: (payin) => presentPayin(payin).status },
    pausedAs: ({ merchantId }) => ({ flow: 'instant', merchantId }),
  }),
];
