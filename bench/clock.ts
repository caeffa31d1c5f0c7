/** Milliseconds since 1970 with a fraction: one clock for every process of the machine, and for PostgreSQL's. */
export const now = (): number => performance.timeOrigin + performance.now();

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export const median = (values: readonly number[]): number => spread(values).p50;
