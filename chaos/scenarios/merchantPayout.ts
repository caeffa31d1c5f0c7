/** A merchant's payout to a payee of its own: judged, sent and paid by the sandbox at once. */
import {
  ALWAYS,
  contradicts,
  informational,
  latePayment,
  nulTextFailed,
  nulTextHeld,
  nulTextReturned,
  OF_EVERY_PAYOUT,
  type PayoutBehaviour,
  plain,
  refusedResend,
  resolvedPaid,
  returned,
  returnedThenPaid,
  startedAgain,
  TWICE,
  thrice,
} from '../payouts/behaviour.ts';
import { payoutCast } from '../payouts/cast.ts';
import { payoutProblems } from '../payouts/judge.ts';
import { bindFaults, drawPayout, type PayoutOrder } from '../payouts/orders.ts';
import { AT_PSP, GIVEN_BACK, TAKEN_IN, WEBHOOK } from '../payouts/stops.ts';
import type { Cast, Scenario } from '../scenario.ts';
import type { Site } from '../site.ts';

const BEHAVIOURS: readonly PayoutBehaviour[] = [
  { ...plain, name: 'ok', suffix: '0001' },
  { ...plain, name: 'failed', suffix: '0003', ends: 'FAILED' },
  { ...plain, name: 'retried', suffix: '0002', attempts: 2 },
  { ...plain, name: 'error_before', faults: [{ kind: 'error_before' }], requests: TWICE },
  { ...plain, name: 'error_after', faults: [{ kind: 'error_after' }] },
  { ...plain, name: 'cut_after', faults: [{ kind: 'cut_after' }] },
  { ...plain, name: 'no_answer', faults: [{ kind: 'no_answer' }] },
  { ...plain, name: 'duplicate_callback', faults: [thrice] },
  { ...plain, name: 'late_callback', faults: [{ kind: 'late_callback', params: { ms: 1200 } }] },
  { ...plain, name: 'reordered_callbacks', faults: [{ kind: 'reordered_callbacks', params: { ms: 700 } }] },
  { ...plain, name: 'forged_callback', faults: [{ kind: 'forged_callback' }] },
  { ...plain, name: 'callback_first', faults: [{ kind: 'slow_answer', params: { ms: 700 } }] },
  { ...plain, name: 'failed_unheard', suffix: '0003', faults: [{ kind: 'cut_after' }], ends: 'FAILED' },
  { ...plain, name: 'failed_forged', suffix: '0003', faults: [{ kind: 'forged_callback' }], ends: 'FAILED' },
  { ...plain, name: 'queued', suffix: '0004', steps: [{ when: 'PSP_QUEUED', does: 'pay' }] },
  { ...plain, name: 'held', suffix: '0005', steps: [{ when: 'PSP_HELD', does: 'pay' }] },
  { ...plain, ...returned, suffix: '0009' },
  {
    ...plain,
    ...returned,
    name: 'returned_twice',
    suffix: '0009',
    faults: [{ ...thrice, times: 2 }], // of the payment, and of the return
  },
  { ...plain, ...refusedResend('reinitiate') },
  { ...plain, ...resolvedPaid },
  {
    ...plain,
    name: 'resolved_not_paid',
    faults: [{ kind: 'no_answer', params: { take: false }, times: ALWAYS }],
    steps: [{ when: 'UNRESOLVED', does: 'resolve_not_paid' }],
    ends: 'FAILED',
    attempts: 0,
    slow: true,
  },
  {
    ...plain,
    ...startedAgain,
    name: 'reinitiated',
    suffix: '0004',
    steps: [
      { when: 'PSP_QUEUED', attempt: 1, does: 'fail' },
      { when: 'FAILED', does: 'reinitiate' },
      { when: 'PSP_QUEUED', attempt: 2, does: 'pay' },
    ],
    attempts: 2,
  },
  { ...plain, ...returnedThenPaid },
  { ...plain, ...contradicts },
  {
    ...plain,
    ...latePayment,
    name: 'failed_then_paid',
    suffix: '0003',
    steps: [{ when: 'FAILED', does: 'pay' }],
  },
  { ...plain, ...informational },
  { ...plain, ...nulTextFailed, suffix: '0003' },
  { ...plain, ...nulTextHeld, suffix: '0005' },
  { ...plain, ...nulTextReturned },
];

export const merchantPayout: Scenario<PayoutOrder> = {
  ...OF_EVERY_PAYOUT,
  name: 'merchant',
  title: "Merchants' payouts",
  behaviours: BEHAVIOURS,
  boundaries: { ...TAKEN_IN, ...AT_PSP, ...WEBHOOK, ...GIVEN_BACK }, // here it waits for nobody's decision and no run, and tells nobody by mail
  open,
};

/** Far more than any run pays out. */
const FUNDS = '50000000.00';

async function open(site: Site): Promise<Cast<PayoutOrder>> {
  const { customers, here, server } = site;
  const key = here.credentials.merchants[0]?.testKey ?? '';
  let drawn = 0;
  await site.furnish('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: 'PKR' });
  return {
    ...payoutCast(site, 'sandbox'),
    scenario: merchantPayout,
    draw(behaviour, random, at) {
      drawn += 1;
      const callbackUrl = server.urlFor(drawn);
      const draft = drawPayout(behaviour, random, 11);
      const { idempotencyKey, accountNumber, amount } = draft;
      const destination = { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' };
      const body = { amount, currency: 'PKR', reference: idempotencyKey, destination, callbackUrl };
      return async () => {
        await bindFaults(site, 'sandbox', draft, at);
        return { ...draft, key, path: '/api/v1/payouts', body };
      };
    },
    async attend([first]) {
      if (first) await customers.lookAtAll(first.order);
    },
    judge: async (made, seen, evidence) => payoutProblems(made, seen, evidence, { psp: 'sandbox', pspFee: '0' }),
  };
}
