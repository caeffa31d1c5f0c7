/** What the Temporal server asks of its database, by its own count: the development server tells it as Prometheus metrics. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StoreRequests {
  /** Workflow states, histories, tasks and visibility records written or removed, each one transaction. */
  readonly writes: number;
  readonly reads: number;
}

/** The counters of both stores: workflows, and what lists of them are made from. */
const COUNTER = /^(?:visibility_)?persistence_requests\{[^}]*operation="(\w+)"[^}]*\} (\S+)$/;

/** Every other operation changes something. */
const READS = /^(Get|List|Read|Count|Watch|Assert)/;

/** Since the server started. Its port is any free one; it says which in its log. */
export async function storeRequests(home: string): Promise<StoreRequests> {
  const url = /Temporal Metrics:\s+(\S+)/.exec(readFileSync(join(home, 'logs', 'temporal.log'), 'utf8'))?.[1];
  if (!url) throw new Error('the Temporal server does not say where its metrics are');
  const lines = (await (await fetch(url)).text()).split('\n');
  const counts = lines.flatMap((line) => {
    const [, operation = '', value = ''] = COUNTER.exec(line) ?? [];
    return operation === '' ? [] : [{ isRead: READS.test(operation), count: Number.parseFloat(value) }];
  });
  const sum = (isRead: boolean) => counts.reduce((total, each) => total + (each.isRead === isRead ? each.count : 0), 0);
  return { writes: sum(false), reads: sum(true) };
}
