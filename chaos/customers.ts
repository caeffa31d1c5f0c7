/** Merchants and providers whose programs repeat a request until it is answered, and keep every answer. */
import type { Installation, Reply } from '../harness/installation.ts';
import type { Flow } from './behaviours.ts';
import { insist } from './insist.ts';
import type { ReadyOrder } from './order.ts';
import { patiently, STANDS_STILL_MS } from './patience.ts';

export interface Answer {
  readonly status: number;
  readonly id: string;
  readonly text: string;
}

export interface Customers {
  /** Asks until it is answered 201, and returns the payout's id. Every answer that names a payout is kept. */
  post(order: ReadyOrder): Promise<string>;
  /** The same once more, after everything. @throws where that has no answer in a time in which all else had. */
  again(order: ReadyOrder): Promise<void>;
  /** By the orders' idempotency keys. */
  readonly answers: ReadonlyMap<string, readonly Answer[]>;
  /** Every status each payout was ever seen in, in the order of reading; repeats left out. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Looks at some of these payouts, others each time; nothing while the API is away. */
  look(open: readonly { readonly order: ReadyOrder; readonly id: string }[]): Promise<void>;
  /** Its status, in the customer's words. */
  read(order: ReadyOrder, id: string): Promise<string>;
}

const PATH: Readonly<Record<Flow, string>> = { merchant: '/api/v1/payouts', provider: '/api/provider/payouts' };

/** Each provider sees only its own: so many are asked for at once, a few times a second. */
const LOOKS_AT_ONCE = 4;

export function createCustomers(here: Installation, merchantKey: string, isOver: () => boolean): Customers {
  const answers = new Map<string, Answer[]>();
  const seen = new Map<string, string[]>();
  let looks = 0;
  const note = (id: string, status: string): void => {
    const statuses = seen.get(id) ?? [];
    if (statuses.at(-1) !== status) statuses.push(status);
    seen.set(id, statuses);
  };

  async function ask(order: ReadyOrder, isOver: () => boolean): Promise<string> {
    const { idempotencyKey } = order;
    const onAnswer = ({ status, body, text }: Reply) => {
      const answer = { status, id: String(body['id']), text };
      answers.set(idempotencyKey, [...(answers.get(idempotencyKey) ?? []), answer]);
    };
    return String((await insist(here, order, { onAnswer, isOver })).body['id']);
  }

  async function readOnce({ behaviour, key }: ReadyOrder, id: string): Promise<string> {
    const { status, body } = await here.call<{ status: string }>('GET', `${PATH[behaviour.flow]}/${id}`, { key });
    if (status !== 200) throw new Error(`${id} cannot be read: ${status}`);
    note(id, body.status);
    return body.status;
  }

  async function lookAtMerchants(): Promise<void> {
    const list = await here.call<{ data: { id: string; status: string }[] }>('GET', `${PATH.merchant}?limit=100`, {
      key: merchantKey,
    });
    if (list.status === 200) for (const { id, status } of list.body.data) note(id, status);
  }

  return {
    answers,
    seen,
    post: (order) => ask(order, isOver),
    async again(order) {
      const deadline = performance.now() + STANDS_STILL_MS;
      await ask(order, () => isOver() || performance.now() > deadline);
    },
    async look(open) {
      const ofProviders = open.filter(({ order }) => order.behaviour.flow === 'provider');
      looks += LOOKS_AT_ONCE;
      const turn = ofProviders.length === 0 ? 0 : looks % ofProviders.length;
      const some = [...ofProviders.slice(turn), ...ofProviders.slice(0, turn)].slice(0, LOOKS_AT_ONCE);
      const ofMerchants = open.length > ofProviders.length ? [lookAtMerchants()] : [];
      await Promise.allSettled([...ofMerchants, ...some.map(({ order, id }) => readOnce(order, id))]);
    },
    read: (order, id) => patiently(() => readOnce(order, id)),
  };
}
