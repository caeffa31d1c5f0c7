/** Customers whose programs repeat a request until it is answered, and keep every answer. */
import type { Installation, Reply } from '../harness/installation.ts';
import { type Asked, insist } from './insist.ts';
import { patiently, STANDS_STILL_MS } from './patience.ts';

export interface Answer {
  readonly status: number;
  readonly id: string;
  readonly text: string;
}

/** Where it is asked for it can be read, too: below that path by its id, and there among all of its customer. */
type Place = Pick<Asked, 'path' | 'key'>;

export interface Customers {
  /** Asks until it is answered 201, and returns the id. Every answer that names one is kept. */
  post(order: Asked): Promise<string>;
  /** The same once more, after everything. @throws where that has no answer in a time in which all else had. */
  again(order: Asked): Promise<void>;
  /** By the orders' idempotency keys. */
  readonly answers: ReadonlyMap<string, readonly Answer[]>;
  /** Every status each was ever seen in, in the order of reading; repeats left out. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Looks at all that one customer has. */
  lookAtAll(place: Place): Promise<void>;
  /** Looks at some of these, others each time: each customer sees only its own. */
  lookAtSome(open: readonly { readonly order: Place; readonly id: string }[]): Promise<void>;
  /** Its status, in the customer's words. */
  read(order: Place, id: string): Promise<string>;
}

/** So many requests at once, a few times a second. */
const LOOKS_AT_ONCE = 4;

export function createCustomers(here: Installation, isOver: () => boolean): Customers {
  const answers = new Map<string, Answer[]>();
  const seen = new Map<string, string[]>();
  let looks = 0;
  const note = (id: string, status: string): void => {
    const statuses = seen.get(id) ?? [];
    if (statuses.at(-1) !== status) statuses.push(status);
    seen.set(id, statuses);
  };

  async function ask(order: Asked, isOver: () => boolean): Promise<string> {
    const { idempotencyKey } = order;
    const onAnswer = ({ status, body, text }: Reply) => {
      const answer = { status, id: String(body['id']), text };
      answers.set(idempotencyKey, [...(answers.get(idempotencyKey) ?? []), answer]);
    };
    return String((await insist(here, order, { onAnswer, isOver })).body['id']);
  }

  async function readOnce({ path, key }: Place, id: string): Promise<string> {
    const { status, body } = await here.call<{ status: string }>('GET', `${path}/${id}`, { key });
    if (status !== 200) throw new Error(`${id} cannot be read: ${status}`);
    note(id, body.status);
    return body.status;
  }

  return {
    answers,
    seen,
    post: (order) => ask(order, isOver),
    async again(order) {
      const deadline = performance.now() + STANDS_STILL_MS;
      await ask(order, () => isOver() || performance.now() > deadline);
    },
    async lookAtAll({ path, key }) {
      const list = await here.call<{ data: { id: string; status: string }[] }>('GET', `${path}?limit=100`, { key });
      if (list.status === 200) for (const { id, status } of list.body.data) note(id, status);
    },
    async lookAtSome(open) {
      looks += LOOKS_AT_ONCE;
      const turn = open.length === 0 ? 0 : looks % open.length;
      const some = [...open.slice(turn), ...open.slice(0, turn)].slice(0, LOOKS_AT_ONCE);
      await Promise.allSettled(some.map(({ order, id }) => readOnce(order, id)));
    },
    read: (order, id) => patiently(() => readOnce(order, id)),
  };
}
