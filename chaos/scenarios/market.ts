/** A market: staked on, resolved, disputed, paid chunk by chunk, taken back, resolved again. */
import { insist } from '../insist.ts';
import { BEHAVIOURS, type MarketBehaviour } from '../markets/behaviour.ts';
import { act, type MarketOrder, type Stake } from '../markets/deeds.ts';
import { marketProblems, TERMS } from '../markets/judge.ts';
import type { Cast, Scenario, Seen, Stop } from '../scenario.ts';
import type { Site } from '../site.ts';

type MarketStop = Stop<MarketBehaviour>;

const EVERYBODY: MarketStop = { comes: () => true };
const does = (...deeds: readonly string[]): MarketStop => ({
  comes: ({ steps }) => steps.some((step) => deeds.includes(step.does)),
});
const DECIDED_ON = does('uphold', 'overturn', 'rollback');
const ROLLED_BACK = does('rollback');
/** Below 10 s without a heartbeat, and what a caller waits for an answer. */
const HELD_MS = 8_000;

export const market: Scenario<MarketOrder> = {
  name: 'market',
  title: 'Markets',
  behaviours: BEHAVIOURS,
  boundaries: {
    'market_frozen.after': { ...EVERYBODY, holdMs: HELD_MS },
    'decide.before': DECIDED_ON,
    'decide.after': DECIDED_ON,
    'market_plan.before': EVERYBODY,
    'market_plan.after': EVERYBODY,
    'market_chunk.before': EVERYBODY,
    'market_chunk.after': EVERYBODY,
    'market_verify.before': EVERYBODY,
    'market_end.after': EVERYBODY,
    'market_undo.before': ROLLED_BACK,
    'market_undo.after': ROLLED_BACK,
    'market_undone.after': ROLLED_BACK,
  },
  ends: { COMPLETED: 'resolved', VOIDED: 'void', ROLLED_BACK: 'closed' },
  tellsEnd: ['market.resolved', 'market.voided', 'market.unresolved'],
  timelineOnly: [],
  workflows: ['marketResolution'],
  settings: { MARKET_CHUNK: '2', MARKET_WORKER_CONCURRENCY: '40' }, // a market of a few has a middle, and a whole round is held there
  open,
};

/** Far more than any run pays out. */
const FUNDS = '5000000.00';

const USERS = 5;

const SEEN = `
  SELECT m.id, m.sequence, coalesce(r.run, 0) AS attempt, coalesce(r.needs_operator, false) AS "needsOperator",
         CASE WHEN r.id IS NULL THEN 'OPEN' WHEN m.state = 'VOID' AND r.state = 'COMPLETED' THEN 'VOIDED' ELSE r.state END AS stage
    FROM markets m LEFT JOIN resolutions r ON r.market_id = m.id AND r.run = m.run WHERE m.id = ANY ($1)`;

async function open(site: Site): Promise<Cast<MarketOrder>> {
  const { books, customers, furnish, server, adminKey } = site;
  const { id: merchant } = await furnish('POST', '/api/admin/merchants', adminKey('admin'), { name: 'Markets' });
  const { key } = await furnish('POST', `/api/admin/merchants/${merchant}/api-keys`, adminKey('admin'), { mode: 'test' });
  await furnish('POST', '/api/v1/webhook-endpoints', key, { url: server.urlFor(0), eventTypes: ['market.*'] });
  await furnish('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: 'PKR' });
  let serial = 0;

  /** Also while somebody is being killed: asked for until it is answered. */
  async function makeUser(amount: string): Promise<string> {
    serial += 1;
    const externalId = `chaos-${serial}`;
    const idempotencyKey = `chaos-user-${process.pid}-${serial}`;
    const call = async (path: string, body: object, name: string): Promise<string> => {
      const asked = { path, key, body, idempotencyKey: `${idempotencyKey}-${name}` };
      return String((await insist(site.here, asked, { isOver: site.isOver })).body['id']);
    };
    const id = await call('/api/v1/users', { externalId }, 'entered');
    await call(`/api/v1/users/${id}/credit`, { amount, currency: 'PKR', externalId }, 'credited');
    return id;
  }

  return {
    scenario: market,
    draw(behaviour, random) {
      serial += 1;
      const idempotencyKey = `chaos-market-${process.pid}-${serial}`;
      const amounts = Array.from({ length: USERS }, () => `${1 + random.below(90)}.${10 + random.below(90)}`);
      return async () => {
        const stakes: Stake[] = [];
        for (const [nth, amount] of amounts.entries())
          stakes.push({ userId: await makeUser(amount), optionId: nth % 3 === 2 ? 'no' : 'yes', amount });
        const body = {
          title: behaviour.name,
          type: 'binary',
          currency: 'PKR',
          ...TERMS,
          disputeWindowSeconds: behaviour.windowSeconds,
        };
        return { behaviour, stakes, idempotencyKey, key, path: '/api/v1/markets', body };
      };
    },
    see: (ids) => books.rows<Seen>(SEEN, ids),
    act: (subject, step) => act(site, subject, step),
    async attend([first]) {
      if (first) await customers.lookAtAll(first.order);
    },
    judge: async (made) => await marketProblems(site, made),
  };
}
