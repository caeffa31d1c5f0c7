/** How a step of the books is asked for: one call, one round trip, one transaction. Each is counted by what it was and what came of it. */
import { Histogram, type Registry } from 'prom-client';
import type { Sql } from '../db/pool.ts';

type Heard = (operation: string, result: string, seconds: number) => void;
const hearers = new Set<Heard>();

/**
 * Asks the SQL function of this name, under that name: parsed and planned once a connection, not with every call.
 * @throws where the function raises or cannot be asked; what a business can meet is its answer.
 */
export async function askBooks<Answer>(sql: Sql, name: string, values: readonly unknown[]): Promise<Answer> {
  const began = performance.now();
  let result = 'error';
  try {
    const text = `SELECT ${name}(${values.map((_, at) => `$${at + 1}`).join(', ')}) AS answer`;
    const { rows } = await sql.query<{ answer: Answer }>({ name, text, values: [...values] });
    const row = rows[0];
    if (!row) throw new Error(`no answer from ${name}`);
    result = outcomeOf(row.answer);
    return row.answer;
  } finally {
    for (const hear of hearers) hear(name, result, (performance.now() - began) / 1_000);
  }
}

const outcomeOf = (answer: unknown): string =>
  typeof answer === 'object' && answer !== null && 'outcome' in answer ? String(answer.outcome) : 'done';

/** From an idle database to one that hardly answers. */
const SECONDS = [0.002, 0.005, 0.02, 0.05, 0.1, 0.25, 1, 5];

/** Counts this process's steps of the books, for Prometheus. @returns what ends it. */
export function countBookSteps(registry: Registry): () => void {
  const steps = new Histogram({
    name: 'oncepay_ledger_step_seconds',
    help: 'Steps of the books, by operation and by what came of them: how many, and how long each took',
    labelNames: ['operation', 'result'] as const,
    buckets: SECONDS,
    registers: [registry],
  });
  const hear: Heard = (operation, result, seconds) => steps.observe({ operation, result }, seconds);
  hearers.add(hear);
  return () => void hearers.delete(hear);
}
