/** A provider's payout: takes its earnings, may be reviewed, waits for a run and is paid by Flutterwave. */
import { newProvider } from '../../harness/newProvider.ts';
import { PROVIDER_STATUS } from '../../src/providers/present/providerPayout.ts';
import { feeOf } from '../../src/psp/flutterwave/scenarios.ts';
import { insist } from '../insist.ts';
import {
  contradicts,
  endsAs,
  informational,
  latePayment,
  nulTextFailed,
  nulTextReturned,
  OF_EVERY_PAYOUT,
  type PayoutBehaviour,
  plain,
  refusedResend,
  resolvedPaid,
  returned,
  returnedThenPaid,
  STORY_OF,
  startedAgain,
  TWICE,
  thrice,
} from '../payouts/behaviour.ts';
import { payoutCast } from '../payouts/cast.ts';
import { DECISIONS } from '../payouts/deeds.ts';
import { payoutProblems } from '../payouts/judge.ts';
import { bindFaults, drawPayout, type PayoutDraft, type PayoutOrder } from '../payouts/orders.ts';
import { AT_PSP, FAR_FROM_PSP, GIVEN_BACK, TAKEN_IN, WEBHOOK } from '../payouts/stops.ts';
import { earnedFor, earningProblems } from '../providers/earnings.ts';
import { noticeProblems } from '../providers/notices.ts';
import { createRuns } from '../providers/runs.ts';
import type { Cast, Scenario, Stop } from '../scenario.ts';
import type { Site } from '../site.ts';

const unavailable = { params: { status: 503 } } as const;

const BEHAVIOURS: readonly PayoutBehaviour[] = [
  { ...plain, name: 'ok', suffix: '0001' },
  { ...plain, name: 'bad_account', suffix: '0006', ends: 'FAILED' },
  { ...plain, name: 'retried', suffix: '0002', attempts: 2 },
  {
    ...plain,
    name: 'exhausted',
    suffix: '0003',
    ends: 'FAILED',
    attempts: 4,
    stories: [{ ...STORY_OF.FAILED, needsOperator: true }],
  },
  {
    ...plain,
    name: 'acknowledged',
    suffix: '0003',
    steps: [{ when: 'FAILED', does: 'acknowledge' }],
    ends: 'FAILED',
    attempts: 4,
    stories: [{ ...STORY_OF.FAILED, needsOperator: false }],
  },
  { ...plain, name: 'error_before', faults: [{ kind: 'error_before', ...unavailable }], requests: TWICE },
  { ...plain, name: 'error_after', faults: [{ kind: 'error_after', ...unavailable }] },
  { ...plain, name: 'cut_after', faults: [{ kind: 'cut_after' }] },
  { ...plain, name: 'no_answer', suffix: '0008' },
  { ...plain, name: 'no_callback', faults: [{ kind: 'no_callback' }] },
  { ...plain, name: 'duplicate_callback', faults: [thrice] },
  { ...plain, name: 'late_callback', faults: [{ kind: 'late_callback', params: { ms: 1200 } }] },
  { ...plain, name: 'reordered_callbacks', faults: [{ kind: 'reordered_callbacks', params: { ms: 700 } }] },
  { ...plain, name: 'forged_callback', faults: [{ kind: 'forged_callback' }] },
  { ...plain, name: 'callback_first', faults: [{ kind: 'slow_answer', params: { ms: 1200 } }] },
  { ...plain, name: 'failed_forged', suffix: '0006', faults: [{ kind: 'forged_callback' }], ends: 'FAILED' },
  {
    ...plain,
    name: 'funds_short',
    suffix: '0004',
    steps: [
      { when: 'PROCESSING', attempt: 1, does: 'fail_for_funds' },
      { when: 'PROCESSING', attempt: 2, does: 'pay' },
    ],
    attempts: 2,
  },
  { ...plain, name: 'held_at_psp', suffix: '0005', steps: [{ when: 'PSP_HELD', does: 'allow' }] },
  { ...plain, ...returned },
  { ...plain, name: 'reviewed', verified: false, steps: [{ when: 'IN_REVIEW', does: 'approve' }] },
  {
    ...plain,
    name: 'rejected',
    verified: false,
    steps: [{ when: 'IN_REVIEW', does: 'reject' }],
    ends: 'REJECTED',
    attempts: 0,
  },
  {
    ...plain,
    name: 'held_over_a_run',
    steps: [
      { when: 'AWAITING_RUN', does: 'hold' },
      { when: 'ON_HOLD', does: 'release', afterARun: true },
    ],
  },
  {
    ...plain,
    name: 'cancelled',
    steps: [{ when: 'AWAITING_RUN', does: 'cancel', refused: 'SUCCEEDED' }],
    ends: 'CANCELLED',
    attempts: 0,
  },
  {
    ...plain,
    ...startedAgain,
    name: 'started_again',
    suffix: '0004',
    steps: [
      ...[1, 2, 3, 4].map((attempt) => ({ when: 'PROCESSING', attempt, does: 'fail' }) as const),
      { when: 'FAILED', does: 'retry' },
      { when: 'PROCESSING', attempt: 5, does: 'pay' },
    ],
    attempts: 5,
  },
  { ...plain, ...refusedResend('retry') },
  { ...plain, ...resolvedPaid },
  {
    ...plain,
    ...returnedThenPaid,
    // Of a return whose payment was slept through Flutterwave says the same as of a payment that failed.
    stories: [...returnedThenPaid.stories, ...latePayment.stories],
    undoes: [...returnedThenPaid.undoes, ...latePayment.undoes],
  },
  { ...plain, ...contradicts },
  { ...plain, ...informational },
  { ...plain, ...nulTextFailed, suffix: '0006' },
  { ...plain, ...nulTextReturned },
];

/** The others never come to a decision. */
const DECIDED_ON: Stop<PayoutBehaviour> = {
  comes: ({ steps }) => steps.some(({ does }) => (DECISIONS as readonly string[]).includes(does)),
};

/**
 * One payout for each end that people are told of. Not more: the relay has ten mails in its hands at most
 * (src/relay/notifications.ts), and of `exhausted` four admins are told too, of `returned` its provider twice.
 */
const TOLD: ReadonlySet<string> = new Set(['ok', 'bad_account', 'exhausted', 'funds_short', 'returned']);
const MAIL: Stop<PayoutBehaviour> = { comes: ({ name }) => TOLD.has(name), onlyEnded: true };

export const providerPayout: Scenario<PayoutOrder> = {
  ...OF_EVERY_PAYOUT,
  name: 'provider',
  title: "Providers' payouts",
  behaviours: BEHAVIOURS,
  boundaries: {
    ...TAKEN_IN,
    'decide.before': DECIDED_ON,
    'decide.after': DECIDED_ON,
    'run_page.after': FAR_FROM_PSP,
    'dispatch.before': FAR_FROM_PSP,
    'dispatch.after': FAR_FROM_PSP,
    ...AT_PSP,
    ...WEBHOOK,
    'notify.before': MAIL,
    'notify.after': MAIL,
    ...GIVEN_BACK,
  },
  ends: endsAs(PROVIDER_STATUS),
  workflows: [...OF_EVERY_PAYOUT.workflows, 'payoutRun'],
  settings: {
    ...OF_EVERY_PAYOUT.settings,
    // runs that overlap
    BATCH_WORKER_CONCURRENCY: '4',
    BATCH_WORKER_RATE_LIMIT: '100',
  },
  open,
};

async function open(site: Site): Promise<Cast<PayoutOrder>> {
  const { books, customers } = site;
  const platformKeys = await makePlatforms(site);
  const runs = createRuns(site);
  const shared = payoutCast(site, 'flutterwave');
  /** Runs that there had been when a payout's last step was done. */
  const runsBefore = new Map<string, number>();
  const hasHadARun = (id: string): boolean => runs.count !== (runsBefore.get(id) ?? 0);
  let made = 0;

  const waitsForARun: Waits = ({ id, seen, next }) => {
    if (seen?.stage === 'AWAITING_RUN') return next?.when !== 'AWAITING_RUN';
    return next?.afterARun === true && seen?.stage === next.when && !hasHadARun(id);
  };
  const isOnTheWay: Waits = (each) => {
    const stage = each.seen?.stage;
    return stage === undefined || stage === 'IN_REVIEW' || (stage === 'AWAITING_RUN' && !waitsForARun(each));
  };

  return {
    ...shared,
    scenario: providerPayout,
    draw(behaviour, random, at) {
      const draft = drawPayout(behaviour, random, 6); // Nigerian account numbers have ten digits
      return async () => {
        await bindFaults(site, 'flutterwave', draft, at);
        made += 1;
        const key = await makeProvider(site, platformKeys[made % platformKeys.length] ?? '', draft);
        return { ...draft, key, path: '/api/provider/payouts', body: { amount: draft.amount, currency: 'NGN' } };
      };
    },
    async act(payout, step) {
      const answer = await shared.act(payout, step);
      runsBefore.set(payout.id, runs.count);
      return answer;
    },
    isTime: ({ id }, { afterARun = false }) => !afterARun || hasHadARun(id),
    async attend(open, isAsking) {
      const looking = runs.lookAt(open.filter(waitsForARun).length, isAsking || open.some(isOnTheWay));
      await Promise.allSettled([looking, customers.lookAtSome(open)]);
    },
    async judge(payout, seen, evidence) {
      const { id, order } = payout;
      const pspFee = feeOf(BigInt(order.amount.replace('.', '')), 'NGN').replace('.', '');
      return [
        ...payoutProblems(payout, seen, evidence, { psp: 'flutterwave', pspFee }),
        ...(await earningProblems(site, payout)),
        ...noticeProblems(evidence.events.get(id) ?? [], evidence.notices.get(id) ?? [], evidence.mails),
      ];
    },
    async judgeWhole() {
      const unfinished = await books.rows<{ id: string }>('SELECT id FROM payout_runs WHERE finished_at IS NULL');
      return unfinished.map(({ id }) => `run ${id} never finished`);
    },
  };
}

type Waits = (each: Parameters<Cast<PayoutOrder>['attend']>[0][number]) => boolean;

/** Every provider of the harness is new: that alone is no reason to look at what it asks for. */
const POLICY = { minSuccesses: 0 };

/** Far more than any run pays out. */
const FUNDS = '50000000.00';

/**
 * A run takes ten payouts of each first, and the relay begins with one delivery in flight for each one's endpoint: so many
 * platforms that all of a round are on a run's first page, and can be held on their way to the merchants' servers.
 */
const PLATFORMS = 30;

/** @returns the platforms' keys. */
async function makePlatforms({ adminKey, furnish, server }: Site): Promise<readonly string[]> {
  const admin = adminKey('admin');
  await furnish('PUT', '/api/admin/risk-policy', admin, { policy: POLICY });
  const platformKeys: string[] = [];
  while (platformKeys.length < PLATFORMS) {
    const { id } = await furnish('POST', '/api/admin/merchants', admin, { name: `Platform ${platformKeys.length + 1}` });
    const { key } = await furnish('POST', `/api/admin/merchants/${id}/api-keys`, admin, { mode: 'test' });
    await furnish('POST', '/api/v1/webhook-endpoints', key, {
      url: server.urlFor(platformKeys.length),
      eventTypes: ['payout.*'],
    });
    await furnish('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: 'NGN' });
    platformKeys.push(key);
  }
  return platformKeys;
}

/** @returns the key of a provider of this platform, who has earned what it will ask for. */
async function makeProvider({ here, isOver }: Site, platformKey: string, draft: PayoutDraft): Promise<string> {
  const { behaviour, accountNumber, amount, idempotencyKey } = draft;
  let calls = 0;
  const call = (method: string, path: string, { key, body }: { key: string; body: unknown }) => {
    calls += 1;
    return insist(here, { method, path, key, body, idempotencyKey: `${idempotencyKey}-${calls}` }, { isOver });
  };
  const { key } = await newProvider(call, platformKey, {
    verified: behaviour.verified,
    earned: earnedFor(amount),
    bankAccount: { bankCode: '044', accountNumber, accountName: 'Ada Obi' },
  });
  return key;
}
