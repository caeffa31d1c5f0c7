/** What is asked for in a run. */
import type { Behaviour } from './behaviours.ts';

export interface Order {
  readonly idempotencyKey: string;
  readonly behaviour: Behaviour;
  readonly accountNumber: string;
  /** Decimal text, two decimals. */
  readonly amount: string;
}

/** One that its customer can ask for. */
export interface ReadyOrder extends Order {
  /** The customer's API key. */
  readonly key: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}
