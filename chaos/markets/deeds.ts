/** What people do to a market: users stake, admins resolve and decide, a user disputes. Each once, however often it is asked for. */
import { isRefusal } from '../insist.ts';
import type { Order, Subject } from '../scenario.ts';
import type { Site } from '../site.ts';
import type { MarketBehaviour, MarketDeed, MarketStep } from './behaviour.ts';

/** What a user of a market has, and stakes whole. */
export interface Stake {
  readonly userId: string;
  readonly optionId: 'yes' | 'no';
  /** Decimal text, two decimals. */
  readonly amount: string;
}

export interface MarketOrder extends Order {
  readonly behaviour: MarketBehaviour;
  readonly stakes: readonly Stake[];
}

interface Asked {
  readonly path: string;
  readonly key: string;
  readonly body: object;
}

type Answered = 'done' | 'refused';

/** @throws where it is not clear whether it was done: then do it again. */
export async function act(site: Site, market: Subject<MarketOrder>, step: MarketStep): Promise<Answered> {
  const { id, order } = market;
  const ask = (asked: Asked, name: string) => askOnce(site, asked, `${name}-${id}`);
  if (step.when === 'OPEN') {
    for (const [nth, { userId, optionId, amount }] of order.stakes.entries()) {
      const stake = { path: `/api/v1/markets/${id}/commitments`, key: order.key, body: { userId, optionId, amount } };
      if ((await ask(stake, `stake-${nth}`)) === 'refused') throw new Error(`a stake on ${id} was refused`);
    }
  }
  return await DEEDS[step.does]({ site, market, step, ask });
}

interface Deed {
  readonly site: Site;
  readonly market: Subject<MarketOrder>;
  readonly step: MarketStep;
  ask(asked: Asked, name: string): Promise<Answered>;
}

const DEEDS: Readonly<Record<MarketDeed, (deed: Deed) => Promise<Answered>>> = {
  resolve: ({ site, market: { id }, step, ask }) => ask(resolving(site, id, step), `resolve-${step.when}`),
  /** Two at the same instant: one of them is refused. */
  async resolve_at_once({ site, market: { id }, step, ask }) {
    const both = ['one', 'other'].map((name) => ask(resolving(site, id, step), `resolve-${name}`));
    const answers = await Promise.all(both);
    if (answers.filter((each) => each === 'done').length !== 1) throw new Error(`two resolved ${id}: ${answers.join(' and ')}`);
    return 'done';
  },
  dispute: ({ market: { id, order }, ask }) =>
    ask(
      { path: `/api/v1/markets/${id}/dispute`, key: order.key, body: { userId: order.stakes[0]?.userId, reason: REASON } },
      'dispute',
    ),
  uphold: async (deed) => deed.ask(await deciding(deed, {}), 'uphold'),
  overturn: async (deed) => deed.ask(await deciding(deed, { outcome: deed.step.outcome }), 'overturn'),
  rollback: async (deed) => deed.ask(await deciding(deed, { reason: REASON }), 'rollback'),
};

const REASON = 'a part of the test';

const resolving = ({ adminKey }: Site, id: string, { outcome }: MarketStep): Asked => ({
  path: `/api/admin/markets/${id}/resolve`,
  key: adminKey('admin'),
  body: { outcome },
});

/** By another admin than the resolver. */
async function deciding({ site, market, step }: Deed, body: object): Promise<Asked> {
  const [row] = await site.books.rows<{ id: string }>(
    'SELECT id FROM resolutions WHERE market_id = $1 ORDER BY run DESC LIMIT 1',
    market.id,
  );
  return { path: `/api/admin/resolutions/${row?.id}/${step.does}`, key: site.adminKey('approver'), body };
}

async function askOnce({ here }: Site, { path, key, body }: Asked, idempotencyKey: string): Promise<Answered> {
  const reply = await here.call('POST', path, { key, body, idempotencyKey });
  if (reply.status < 300) return 'done';
  if (isRefusal(reply)) return 'refused';
  throw new Error(`${path}: ${reply.status}`);
}
