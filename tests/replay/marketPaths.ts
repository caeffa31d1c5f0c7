/** The paths of a market's resolution, each walked on a real engine: a part of paths.ts. */
import { randomUUID } from 'node:crypto';
import { createMarketsClient, type MarketsClient } from '../../src/markets/client.ts';
import type { Decision } from '../../src/markets/rules/decision.ts';
import { resolutionWorkflowId } from '../../src/markets/rules/ids.ts';
import type { ResolutionRecord } from '../../src/markets/rules/market.ts';
import { decide } from '../../src/markets/useCases/decide.ts';
import { dispute } from '../../src/markets/useCases/dispute.ts';
import { resolve } from '../../src/markets/useCases/resolve.ts';
import { newId } from '../../src/rules/newId.ts';
import { openBooks } from '../support/books.ts';
import { type MarketBooks, marketBooksOf, type TestMarket } from '../support/marketBooks.ts';
import type { TestUser } from '../support/users.ts';
import type { Path, PathWorld } from './paths.ts';

interface World {
  readonly markets: MarketBooks;
  readonly client: MarketsClient;
  readonly market: TestMarket;
  readonly users: [TestUser, TestUser];
  readonly world: PathWorld;
}

/** Two users of a market, one right and one wrong. */
async function staked(world: PathWorld, { windowMs = 300, isReviewed = false } = {}): Promise<World> {
  const { db, client } = world.engine;
  const books = await openBooks({ on: db });
  const markets = marketBooksOf(books);
  const merchant = await books.merchant(0n);
  if (isReviewed) {
    const made = `INSERT INTO merchants (id, name, webhook_secret, review_limits) VALUES ($1, 'Test', 'unused', '{"INR":"1"}')`;
    await db.owner.query(made, [merchant.merchantId]);
  }
  const market = await markets.open(merchant, { houseFeeBps: 200, windowMs });
  const users: [TestUser, TestUser] = [await markets.player(merchant, 100n), await markets.player(merchant, 100n)];
  for (const [at, user] of users.entries()) await markets.commit(market, user, at === 0 ? 'yes' : 'no', 100n);
  return {
    markets,
    client: createMarketsClient(client, { allowSignalDecisions: true, fundsEveryMs: 300 }),
    market,
    users,
    world,
  };
}

const ports = ({ client, world }: World) => ({ pool: world.engine.db.pool, markets: client });

async function begin(of: World): Promise<ResolutionRecord> {
  const { marketId } = of.market;
  const request = { resolutionId: newId('res'), marketId, outcome: 'yes', evidence: null, adminId: 'adm_maker', planHash: null };
  const answer = await resolve(ports(of), request);
  if (answer.outcome !== 'opened') throw new Error(`not opened: ${answer.outcome}`);
  return answer.resolution;
}

async function say(of: World, { id }: ResolutionRecord, decision: Decision): Promise<void> {
  const { outcome } = await decide(ports(of), id, { adminId: 'adm_1', decision, updateId: randomUUID() });
  if (outcome !== 'done') throw new Error(`${decision.kind}: ${outcome}`);
}

const handle = ({ world }: World, { marketId, run }: ResolutionRecord) =>
  world.engine.client.workflow.getHandle(resolutionWorkflowId(marketId, run));

/** Of a resolution that is over. */
async function ended(of: World, resolution: ResolutionRecord): Promise<string> {
  await handle(of, resolution).result();
  return resolutionWorkflowId(resolution.marketId, resolution.run);
}

const ROLLBACK: Decision = { kind: 'rollback', reason: 'a wrong result' };

const disputed =
  (decision: Decision): Path =>
  async (world) => {
    const of = await staked(world, { windowMs: 1_000 });
    const resolution = await begin(of);
    await dispute(ports(of), { ...of.market, userId: of.users[1].userId, reason: 'it did not' });
    await say(of, resolution, decision);
    return await ended(of, resolution);
  };

const reviewed =
  (decision: Decision): Path =>
  async (world) => {
    const of = await staked(world, { isReviewed: true });
    const resolution = await begin(of);
    await say(of, resolution, decision);
    return await ended(of, resolution);
  };

export const MARKET_PATHS: Readonly<Record<string, Path>> = {
  'market-paid': async (world) => {
    const of = await staked(world);
    return await ended(of, await begin(of));
  },
  'market-approved-then-paid': reviewed({ kind: 'approve', note: null }),
  'market-rejected': reviewed({ kind: 'reject', reason: 'the wrong match' }),
  'market-approved-by-signal': async (world) => {
    const of = await staked(world, { isReviewed: true });
    const resolution = await begin(of);
    await handle(of, resolution).signal('decide', { admin: 'adm_nobody', decision: 'approve' });
    await handle(of, resolution).signal('decide', { admin: 'adm_1', decision: 'approve' });
    return await ended(of, resolution);
  },
  'market-disputed-then-upheld': disputed({ kind: 'uphold' }),
  'market-disputed-then-overturned': disputed({ kind: 'overturn', to: 'no' }),
  /** The first of its two runs. */
  'market-stopped': async (world) => {
    const of = await staked(world);
    await of.markets.users.freeze(of.users[0], true);
    const resolution = await begin(of);
    const { runId } = await handle(of, resolution).describe();
    await ended(of, resolution);
    return world.engine.client.workflow.getHandle(resolutionWorkflowId(resolution.marketId, resolution.run), runId);
  },
  'market-retried': async (world) => {
    const of = await staked(world);
    await of.markets.users.freeze(of.users[0], true);
    const resolution = await begin(of);
    await ended(of, resolution);
    await of.markets.users.freeze(of.users[0], false);
    await say(of, resolution, { kind: 'retry' });
    return await ended(of, resolution);
  },
  'market-rolled-back': async (world) => {
    const of = await staked(world);
    const resolution = await begin(of);
    await ended(of, resolution);
    await say(of, resolution, ROLLBACK);
    return await ended(of, resolution);
  },
  'market-waited-for-funds-then-paid': async (world) => {
    const of = await staked(world);
    const resolution = await begin(of);
    await ended(of, resolution);
    const other = await of.markets.open(of.market);
    await of.markets.commit(other, of.users[0], 'yes', await of.markets.purse(of.users[0]));
    await say(of, resolution, ROLLBACK);
    await ended(of, resolution);
    const again = await begin(of);
    while ((await of.markets.state(again.id)) !== 'WAITING_FOR_FUNDS') await new Promise((done) => setTimeout(done, 50));
    const books = await openBooks({ on: world.engine.db });
    await books.fund(of.market, (await of.markets.market(of.market)).missing, newId('ext'), 'INR');
    return await ended(of, again);
  },
};
