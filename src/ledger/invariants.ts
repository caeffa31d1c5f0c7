/**
 * What must be true of the books at every committed moment, whatever runs: each invariant is data, queries that must
 * return no row. Tests, `oncepay check` and GET /api/admin/invariants read the same list. Invariants that look at the
 * same rows share one pass over them, so that ten million entries are checked within a minute.
 */
import type { ClientBase, Pool, PoolClient } from 'pg';
import { giveBack, ONE_MOMENT, patience, take } from '../db/longRead.ts';
import { eventInvariants } from '../events/invariants.ts';
import { gameChecks } from '../games/invariants.ts';
import { instantChecks } from '../instant/invariants.ts';
import { marketChecks } from '../markets/invariants.ts';
import { payoutChecks } from '../payouts/invariants.ts';
import { providerChecks } from '../providers/invariants.ts';
import { userChecks } from '../users/invariants.ts';
import { entryInvariants } from './entryInvariants.ts';
import { type FlowChecks, type Invariant, type Pass, passesOf, SAMPLE } from './invariant.ts';

export interface InvariantResult {
  readonly name: string;
  readonly description: string;
  readonly violations: number;
  /** Of its passes over the books, whole. */
  readonly durationMs: number;
  /** Whether other invariants were asked in a pass of its own: then the times do not add up. */
  readonly isShared: boolean;
  /** The first few violations, for whoever must repair them. */
  readonly sample: readonly unknown[];
}

/** Of each flow that moves money. Payouts first: their passes are the longest, and are begun in this order. */
const FLOWS: readonly FlowChecks[] = [payoutChecks, providerChecks, userChecks, gameChecks, marketChecks, instantChecks];

export const INVARIANTS: readonly Invariant[] = [
  ...FLOWS.flatMap(({ invariants }) => invariants),
  ...entryInvariants(FLOWS),
  ...eventInvariants,
];

/** For one pass: ten times what the longest takes for ten million entries. */
const STATEMENT_TIMEOUT_MS = 300_000;

/** Connections at work, each on one core: the least machine has two, and payouts go on meanwhile. */
const LANES = 2;

const SETTINGS = `${patience(STATEMENT_TIMEOUT_MS)};
  SET LOCAL max_parallel_workers_per_gather = 0; -- the lanes are parallel enough
  SET LOCAL work_mem = '64MB'; -- millions of payouts are merged in the order of their indexes, not hashed
  SET LOCAL random_page_cost = 1.1; -- that order is nearly the tables' own: both are by time`;

/**
 * Asks every invariant, all on one snapshot, and says how many rows break each. Reads only: the application's role may.
 * @throws only if the database cannot be asked; a broken invariant is a result.
 */
export async function checkInvariants(pool: Pool, invariants = INVARIANTS): Promise<InvariantResult[]> {
  const waiting = passesOf(invariants);
  const answers: Answer[] = [];
  await onOneSnapshot(pool, async (client) => {
    try {
      await askAll(client, waiting, answers);
    } finally {
      waiting.length = 0; // after an error nothing more is begun
    }
  });
  return resultsOf(invariants, answers);
}

/** The same within a transaction that the caller has begun, on what it sees. */
export async function checkInvariantsWithin(client: ClientBase): Promise<InvariantResult[]> {
  const answers: Answer[] = [];
  await askAll(client, passesOf(INVARIANTS), answers);
  return resultsOf(INVARIANTS, answers);
}

interface Answer {
  readonly name: string;
  readonly violations: number;
  readonly sample: readonly unknown[];
  readonly durationMs: number;
  readonly isShared: boolean;
}

async function askAll(client: ClientBase, waiting: Pass[], answers: Answer[]): Promise<void> {
  for (let pass = waiting.shift(); pass; pass = waiting.shift()) {
    const started = performance.now();
    // query_timeout is pg's own clock for one call; the pool's is for the short calls of a payout.
    const query = { text: pass.text, query_timeout: STATEMENT_TIMEOUT_MS };
    const { rows } = await client.query<Pick<Answer, 'name' | 'violations' | 'sample'>>(query);
    if (rows.length !== pass.names.length) throw new Error(`a pass for ${pass.names.join(', ')} gave ${rows.length} answers`);
    const durationMs = performance.now() - started;
    const isShared = new Set(pass.names).size > 1;
    answers.push(...rows.map((row) => ({ ...row, durationMs, isShared })));
  }
}

function resultsOf(invariants: readonly Invariant[], answers: readonly Answer[]): InvariantResult[] {
  return invariants.map(({ name, description }) => {
    const own = answers.filter((each) => each.name === name);
    // Two queries in one pass took its time once.
    const durations = new Set(own.map((each) => each.durationMs));
    return {
      name,
      description,
      violations: own.reduce((sum, each) => sum + each.violations, 0),
      durationMs: Math.round([...durations].reduce((sum, each) => sum + each, 0)),
      isShared: own.some((each) => each.isShared),
      sample: own.flatMap((each) => each.sample).slice(0, SAMPLE),
    };
  });
}

/** Works on as many connections as are free, at most LANES, that all see the same moment. */
async function onOneSnapshot(pool: Pool, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const first = await take(pool);
  const clients = [first];
  try {
    // Never waits for another: two checks that hold one each would wait for each other.
    while (clients.length < LANES && hasFree(pool)) clients.push(await take(pool));
    await first.query(`${ONE_MOMENT}; ${SETTINGS}`);
    const { rows } = await first.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
    for (const other of clients.slice(1)) {
      await other.query(`${ONE_MOMENT}; SET TRANSACTION SNAPSHOT '${rows[0]?.snapshot}'; ${SETTINGS}`);
    }
  } catch (error) {
    await Promise.all(clients.map(giveBack));
    throw error;
  }
  // One that has nothing more to do does not wait for the others: the server ends transactions that idle.
  const workAndGiveBack = async (client: PoolClient) => {
    try {
      await work(client);
    } finally {
      await giveBack(client);
    }
  };
  const ends = await Promise.allSettled(clients.map(workAndGiveBack));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

const hasFree = (pool: Pool): boolean =>
  pool.waitingCount === 0 && (pool.idleCount > 0 || pool.totalCount < (pool.options.max ?? 0));

/** As the admin API lists them: no rows of the books, no times. */
export function presentInvariants(
  results: readonly InvariantResult[],
): Pick<InvariantResult, 'name' | 'description' | 'violations'>[] {
  return results.map(({ name, description, violations }) => ({ name, description, violations }));
}
