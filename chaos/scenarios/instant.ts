/** A withdrawal, paid person to person: claimed, proven, confirmed or disputed, given to another, given up, or left to a PSP. */
import { INSTANT_PAYOUT_EVENTS } from '../../src/instant/rules/payoutMachine.ts';
import type { CreditOn } from '../../src/instant/rules/policy.ts';
import { readPurse } from '../games/judge.ts';
import { BEHAVIOURS, type InstantBehaviour, type InstantDeed, SPARE } from '../instant/behaviour.ts';
import { act } from '../instant/deeds.ts';
import { withdrawalProblems } from '../instant/judge.ts';
import { CURRENCY, drawWithdrawal, type Houses, type InstantOrder, major } from '../instant/orders.ts';
import type { Cast, Scenario, Seen, Stop } from '../scenario.ts';
import type { Site } from '../site.ts';

type InstantStop = Stop<InstantBehaviour>;

const EVERYBODY: InstantStop = { comes: () => true };
const TOLD: InstantStop = { ...EVERYBODY, onlyEnded: true };
const does = (...deeds: readonly InstantDeed[]): InstantStop => ({
  comes: ({ steps }) => steps.some((step) => deeds.includes(step.does)),
});
const CLAIMS = does('claim', 'claim_first', 'claim_at_once', 'claim_and_cancel', 'claim_and_wait', 'prove_at_deadline');
const PROVES = does(
  'prove',
  'take_over',
  'claim_and_wait',
  'prove_late',
  'prove_at_deadline',
  'prove_the_same',
  'prove_and_bank',
);
const TO_PSP: InstantStop = { comes: ({ onUnfilled }) => onUnfilled === 'psp' };

export const instant: Scenario<InstantOrder> = {
  name: 'instant',
  title: 'Instant payouts',
  behaviours: BEHAVIOURS,
  boundaries: {
    'withdrawal.opened': EVERYBODY,
    'slice.claiming': CLAIMS,
    'slice.claimed': CLAIMS,
    'slice.expiring': CLAIMS,
    'slice.expired': { comes: ({ isShort = false }) => isShort },
    'proof.kept': PROVES,
    'proof.recorded': PROVES,
    'bank_credit.recorded': does('bank', 'bank_finds', 'prove_and_bank'),
    'slice.judging': does('confirm', 'confirm_at_once', 'dispute', 'approve', 'reject'),
    'slice.judged': does('confirm', 'confirm_at_once', 'dispute', 'approve', 'reject', 'credit_found', 'decide_late'),
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
  settings: {
    INSTANT_MINUTE: '100ms', // three seconds for a proof, six to be filled, where that is short; else far longer than a kill
    INSTANT_WORKER_CONCURRENCY: '60', // so that a whole round is held there
  },
  open,
};

/** Far more than any run pays out. */
const FUNDS = '50000000.00';
const FUNDS_MINOR = 5_000_000_000n;

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

const WHOSE = `
  SELECT instant_payout_id AS of FROM instant_batches WHERE id = $1
   UNION ALL SELECT b.instant_payout_id FROM payins p JOIN instant_batches b ON b.id = p.batch_id WHERE p.id = $1`;

async function open(site: Site): Promise<Cast<InstantOrder>> {
  const { books, customers } = site;
  const houses = await makeHouses(site);
  /** What each merchant must have: what it had, less what its users came with, and what they have spent. */
  const funds = new Map(houses.funds);
  const add = (key: string, minor: bigint) => funds.set(key, (funds.get(key) ?? 0n) + minor);
  const judged = new Set<string>();
  return {
    scenario: instant,
    draw(behaviour, random) {
      const prepare = drawWithdrawal(site, behaviour, houses, random);
      return async () => {
        const order = await prepare();
        add(order.key, -order.slices.reduce((sum, each) => sum + each, SPARE));
        return order;
      };
    },
    see: async (ids) => await books.rows<Seen & Record<string, unknown>>(SEEN, ids),
    act: (withdrawal, step) => act(site, withdrawal, step.does),
    async attend(open) {
      await customers.lookAtSome(open);
    },
    /** A slice is held for its withdrawal, and so is a payin. */
    async subjectOf(id) {
      return (await books.rows<{ of: string }>(WHOSE, id))[0]?.of ?? id;
    },
    judge: async (made) => {
      const { isSpent } = made.order.behaviour;
      if (isSpent && !judged.has(made.id)) add(made.order.payersKey, made.order.slices[0] ?? 0n);
      judged.add(made.id);
      return await withdrawalProblems(site, made);
    },
    async judgeWhole() {
      const read = await Promise.all([...funds.keys()].map((key) => readPurse(site, '/api/v1/balance', key)));
      return [...funds.values()].flatMap((minor, nth) => {
        const [should, has] = [`${major(minor)} and 0.00 locked`, `${read[nth]?.available} and ${read[nth]?.locked} locked`];
        return has === should ? [] : [`merchant ${nth} of instant payouts has ${has}, not ${should}`];
      });
    },
  };
}

async function makeHouses({ adminKey, furnish, server }: Site): Promise<Houses & { funds: ReadonlyMap<string, bigint> }> {
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
    funds: new Map([...payees.map(({ key }) => [key, FUNDS_MINOR] as const), [payersKey, 0n]]),
    payeesKey({ creditOn = 'proof', isHurried = false }) {
      asked += 1;
      const fitting = payees.filter((each) => each.creditOn === creditOn && each.isHurried === isHurried);
      return fitting[asked % fitting.length]?.key ?? '';
    },
  };
}
