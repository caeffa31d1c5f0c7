/**
 * How PostgreSQL went about the statements of an answer: the very ones that a route sent, with what they did, as
 * `auto_explain` tells it to the session that sent them. All of it is counted, nothing is timed.
 */
import type pg from 'pg';

/** A step of a plan, as PostgreSQL names its properties. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Index Searches'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

export interface Plan {
  readonly sql: string;
  readonly root: PlanNode;
}

/** Of a session that tells its plans. */
export const PLAN_SETTINGS = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
  'auto_explain.log_parameter_max_length': '0',
  'auto_explain.log_level': 'notice', // to the client that asked; no log file has to be read
} as const;

/** From the next connection on, each session of this database tells its plans. */
export async function tellPlans(owner: pg.Pool): Promise<void> {
  const { rows } = await owner.query<{ name: string }>('SELECT current_database() AS name');
  for (const [setting, value] of Object.entries(PLAN_SETTINGS)) {
    await owner.query(`ALTER DATABASE ${rows[0]?.name} SET ${setting} = '${value}'`);
  }
}

export interface PlansHeard {
  /** The plans of the statements since it was asked last, in order. */
  take(): Plan[];
}

/** Listens to every connection that this pool gives out. */
export function hearPlans(pool: pg.Pool): PlansHeard {
  const known = new WeakSet<pg.PoolClient>();
  let heard: Plan[] = [];
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    client.on('notice', ({ message = '' }) => {
      const [, json] = /plan:\n(.*)$/s.exec(message) ?? [];
      if (json === undefined) return;
      const { 'Query Text': sql, Plan: root } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
      heard.push({ sql, root });
    });
  });
  return {
    take() {
      const taken = heard;
      heard = [];
      return taken;
    },
  };
}

export interface Limits {
  /** Tables that fit into a few pages: to read one whole is as good as its index. */
  readonly small: ReadonlySet<string>;
  /** Rows that one step of a plan may take up, also those that it throws away. */
  readonly rows: number;
  /** Pages that a statement may look at. What an index skips within itself is seen here alone. */
  readonly pages: number;
}

/** What this plan does that costs what there is, not what is shown; none: it is well. */
export function faultsOf({ sql, root }: Plan, limits: Limits): string[] {
  const faults = nodesOf(root).flatMap((node) => faultsOfNode(node, limits));
  const pages = root['Shared Hit Blocks'] + root['Shared Read Blocks'];
  if (pages > limits.pages) faults.push(`${pages} pages`);
  return faults.length === 0 ? [] : [`${faults.join(', ')}: ${sql.replaceAll(/\s+/g, ' ').trim()}`];
}

function faultsOfNode(node: PlanNode, { small, rows }: Limits): string[] {
  const { 'Node Type': type, 'Relation Name': table = '' } = node;
  const perLoop =
    node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  const taken = Math.round(perLoop * node['Actual Loops']);
  const searches = (node['Index Searches'] ?? 0) / Math.max(1, node['Actual Loops']);
  const name = table === '' ? type : `${type} of ${table}`;
  const faults: string[] = [];
  if (type === 'Seq Scan' && node['Actual Loops'] > 0 && !small.has(table)) faults.push(name);
  if (taken > rows) faults.push(`${name} takes up ${taken} rows`);
  if (searches > SEARCHES_MAX) faults.push(`${name} skips through its index in ${searches} searches`);
  return faults;
}

/** An index is searched once for each value in a list, and a list in a query of ours is no longer than a page. What is more skips through all values of a column that was not asked for. */
const SEARCHES_MAX = 101;

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
