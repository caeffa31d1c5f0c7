/** A withdrawal, paid person to person: claimed, proven, confirmed or disputed, given to another, given up, or left to a PSP. */
import { INSTANT_PAYOUT_EVENTS } from '../../src/instant/rules/payoutMachine.ts';
import type { CreditOn } from '../../src/instant/rules/policy.ts';
import { BEHAVIOURS, type InstantBehaviour, type InstantDeed } from '../instant/behaviour.ts';
import { act } from '../instant/deeds.ts';
import { withdrawalProblems } from '../instant/judge.ts';
import { CURRENCY, drawWithdrawal, type Houses, type InstantOrder } from '../instant/orders.ts';
import type { Cast, Scenario, Seen, Stop } from '../scenario.ts';
import type { Site } from '../site.ts';

type InstantStop = Stop<InstantBehaviour>;

const EVERYBODY: InstantStop = { comes: () => true };
const TOLD: InstantStop = { ...EVERYBODY, onlyEnded: true };
const does = (...deeds: readonly InstantDeed[]): InstantStop => ({
  comes: ({ steps }) => steps.some((step) => deeds.includes(step.does)),
});
const PROVES = does('prove', 'take_over', 'prove_the_same', 'prove_and_bank');
const TO_PSP: InstantStop = { comes: ({ onUnfilled }) => onUnfilled === 'psp' };

export const instant: Scenario<InstantOrder> = {
  name: 'instant',
  title: 'Instant payouts',
  behaviours: BEHAVIOURS,
  boundaries: {
    'withdrawal.opened': EVERYBODY,
    'slice.claimed': does('claim', 'claim_first', 'claim_at_once', 'claim_and_cancel'),
    'slice.expired': { comes: ({ isShort = false }) => isShort },
    'proof.kept': PROVES,
    'proof.recorded': PROVES,
    'bank_credit.recorded': does('bank', 'prove_and_bank'),
    'slice.judged': does('confirm', 'confirm_at_once', 'dispute', 'approve', 'reject', 'decide_late'),
    'withdrawal.closed': { comes: ({ isHurried = false }) => isHurried },
    'rest.before': TO_PSP,
    'rest.after': TO_PSP,
    'relay.claimed': TOLD,
    in_webhook: TOLD,
    'relay.sent': TOLD,
    'relay.recorded': TOLD,
  },
  ends: { completed: 'completed', partially_completed: 'partially_completed', cancelled: 'cancelled' },
  tellsEnd: INSTANT_PAYOUT_EVENTS,
  timelineOnly: [],
  workflows: ['instantPayout', 'instantBatch', 'payin'],
  settings: { INSTANT_MINUTE: '100ms' }, // three seconds for a proof, six to be filled, where that is short; else far longer than a kill
  open,
};

/** Far more than any run pays out. */
const FUNDS = '50000000.00';

/** What payees' merchants agree on: one that may take its time, and one whose withdrawals must be filled within an hour. */
const POLICIES: readonly { readonly creditOn: CreditOn; readonly isHurried: boolean }[] = [
  ...Array.from({ length: 6 }, () => ({ creditOn: 'proof', isHurried: false }) as const), // the relay begins with one delivery in the air for each
  { creditOn: 'payee_confirmed', isHurried: false },
  { creditOn: 'bank_matched', isHurried: false },
  ...Array.from({ length: 3 }, () => ({ creditOn: 'proof', isHurried: true }) as const),
];

const SEEN = `
  SELECT w.id, w.sequence, 1 AS attempt, false AS "needsOperator",
         CASE WHEN w.completed_at IS NOT NULL THEN w.state
              ELSE (SELECT string_agg(DISTINCT b.state, '+' ORDER BY b.state) FROM instant_batches b WHERE b.instant_payout_id = w.id) END AS stage
    FROM instant_payouts w WHERE w.id = ANY ($1)`;

async function open(site: Site): Promise<Cast<InstantOrder>> {
  const { books, customers } = site;
  const houses = await makeHouses(site);
  return {
    scenario: instant,
    draw: (behaviour, random) => drawWithdrawal(site, behaviour, houses, random),
    see: async (ids) => await books.rows<Seen & Record<string, unknown>>(SEEN, ids),
    act: (withdrawal, step) => act(site, withdrawal, step.does),
    async attend(open) {
      await customers.lookAtSome(open);
    },
    /** A slice is held for its withdrawal. */
    async subjectOf(id) {
      const sql = 'SELECT instant_payout_id AS of FROM instant_batches WHERE id = $1';
      return (await books.rows<{ of: string }>(sql, id))[0]?.of ?? id;
    },
    judge: async (made) => await withdrawalProblems(site, made),
  };
}

async function makeHouses({ adminKey, furnish, server }: Site): Promise<Houses> {
  const admin = adminKey('admin');
  const merchant = async (name: string, instantPolicy: object, eventType: string, nth: number): Promise<string> => {
    const { id } = await furnish('POST', '/api/admin/merchants', admin, { name, instantPolicy });
    const { key } = await furnish('POST', `/api/admin/merchants/${id}/api-keys`, admin, { mode: 'test' });
    await furnish('POST', '/api/v1/webhook-endpoints', key, { url: server.urlFor(nth), eventTypes: [eventType] });
    return key;
  };
  const payees: { key: string; creditOn: CreditOn; isHurried: boolean }[] = [];
  for (const [nth, { creditOn, isHurried }] of POLICIES.entries()) {
    const policy = { creditOn, fillHours: isHurried ? 1 : 720, confirmHours: 720 };
    const key = await merchant(`Payees ${nth + 1}`, policy, 'instant-payout-status-update', nth);
    await furnish('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: CURRENCY });
    payees.push({ key, creditOn, isHurried });
  }
  const payersKey = await merchant('Payers', {}, 'payin-status-update', POLICIES.length);
  let asked = 0;
  return {
    payersKey,
    payeesKey({ creditOn = 'proof', isHurried = false }) {
      asked += 1;
      const fitting = payees.filter((each) => each.creditOn === creditOn && each.isHurried === isHurried);
      return fitting[asked % fitting.length]?.key ?? '';
    },
  };
}
