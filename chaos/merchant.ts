/** A merchant whose program does what api.md §1 says: repeats a request under its key until it has an answer, and keeps every answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '../tests/support/installation.ts';
import type { Behaviour } from './behaviours.ts';

export interface Order {
  readonly key: string;
  readonly behaviour: Behaviour;
  readonly accountNumber: string;
  /** Decimal text, two decimals. */
  readonly amount: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly id: string;
  readonly text: string;
}

export interface Merchant {
  /** Asks until it is answered 201, and returns the payout's id. Every answer that names a payout is kept. */
  post(order: Order): Promise<string>;
  readonly answers: ReadonlyMap<string, readonly Answer[]>;
  /** Every status each payout was ever seen in, in the order of reading; repeats left out. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Reads the newest payouts; nothing while the API is away. */
  look(): Promise<void>;
  read(id: string): Promise<{ status: string; attempts: number } | undefined>;
}

/** Nothing that is killed here stays away as long, not even again and again on a loaded machine. */
const ANSWERED_WITHIN_MS = 300_000;

export function createMerchant(here: Installation): Merchant {
  const answers = new Map<string, Answer[]>();
  const seen = new Map<string, string[]>();
  const note = (id: string, status: string): void => {
    const statuses = seen.get(id) ?? [];
    if (statuses.at(-1) !== status) statuses.push(status);
    seen.set(id, statuses);
  };

  async function post({ key, body }: Order): Promise<string> {
    const deadline = performance.now() + ANSWERED_WITHIN_MS;
    for (;;) {
      const answer = await here.call('POST', '/api/v1/payouts', { body, idempotencyKey: key }).catch(() => undefined);
      if (answer && (answer.status === 201 || answer.status === 202)) {
        const id = String(answer.body['id']);
        answers.set(key, [...(answers.get(key) ?? []), { status: answer.status, id, text: answer.text }]);
        if (answer.status === 201) return id;
      } else if (answer && answer.status < 500 && answer.body['code'] !== 'idempotency_key_in_flight' && answer.status !== 429) {
        throw new Error(`${key} was refused: ${answer.status} ${answer.text}`);
      }
      if (performance.now() > deadline) throw new Error(`${key} has no answer: ${answer?.status} ${answer?.text}`);
      await sleep(answer?.status === 202 ? 300 : 100);
    }
  }

  return {
    post,
    answers,
    seen,
    async look() {
      const answer = await here
        .call<{ data: { id: string; status: string }[] }>('GET', '/api/v1/payouts?limit=100')
        .catch(() => undefined);
      if (answer?.status === 200) for (const { id, status } of answer.body.data) note(id, status);
    },
    async read(id) {
      const answer = await here.call<{ status: string; attempts: number }>('GET', `/api/v1/payouts/${id}`).catch(() => undefined);
      if (answer?.status !== 200) return undefined;
      note(id, answer.body.status);
      return answer.body;
    },
  };
}
