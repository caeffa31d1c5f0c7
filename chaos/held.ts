/** Requests left unanswered while others are killed: whoever asked is held at that place. */
import type { ServerResponse } from 'node:http';

export interface Held {
  /** When each payout came there first. */
  readonly reached: ReadonlyMap<string, number>;
  /** Lets everybody go on, and whoever comes later. */
  open(): void;
}

export interface Holding extends Held {
  readonly isOpen: boolean;
  /** Leaves this payout's request unanswered until `open`. */
  keep(payoutId: string, response: ServerResponse): void;
}

export function holding(): Holding {
  const reached = new Map<string, number>();
  const waiting: ServerResponse[] = [];
  let isOpen = false;
  return {
    reached,
    get isOpen() {
      return isOpen;
    },
    keep(payoutId, response) {
      if (!reached.has(payoutId)) reached.set(payoutId, performance.now());
      waiting.push(response);
    },
    open() {
      isOpen = true;
      for (const response of waiting) response.end();
    },
  };
}
