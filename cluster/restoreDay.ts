/**
 * A merchant's day around a backup: payouts in every state that lasts, what becomes of them after the backup, and how
 * merchant, operator and bank bring everything to its end after the restore. The sandbox's book judges.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './arrangement.ts';
import type { Merchant, Order, Reply } from './merchant.ts';

/** What a merchant has asked for. */
export interface Entry {
  readonly order: Order;
  /** Made after the backup. */
  readonly isNew: boolean;
  /** Of every payout that was ever made of it. Two: the request was forgotten, and taken for a new one. */
  readonly ids: Set<string>;
  /** What its merchant was told before everything died, if that is final. */
  told: 'paid' | 'not_paid' | undefined;
}

export interface Day {
  readonly entries: readonly Entry[];
  /** What happens after the backup. `dying`: what is being asked for when everything dies, until it is answered at last. */
  goOn(): Promise<{ readonly dying: Promise<unknown> }>;
}

/** Payouts of each kind. */
const OF_EACH = 4;

/** The PSP turns it away (429) while the day lasts: its payouts wait in the queue, and can be called off. */
const TURNED_AWAY = '888000117777';

/** Above the ten seconds for which a dead server is missed, and the retries after it. */
const WITHIN_MS = 180_000;

/** @param repeatsWhatDied whether requests are under way when everything dies, whose program repeats them for ever. */
export async function beginDay(cluster: Cluster, merchant: Merchant, repeatsWhatDied: boolean): Promise<Day> {
  const entries: Entry[] = [];
  const run = Date.now().toString(36);
  const make = async (ending: string, more: Partial<Order> & { isNew?: boolean } = {}): Promise<Entry> => {
    const { isNew = false, ...change } = more;
    const order = { key: `${run}-${entries.length}`, ending, ...change };
    const entry: Entry = { order, isNew, ids: new Set(), told: undefined };
    entries.push(entry);
    entry.ids.add(await askFor(merchant, order));
    return entry;
  };
  const some = async (count: number, ending: string, more: Parameters<typeof make>[1] = {}): Promise<Entry[]> =>
    await Promise.all(Array.from({ length: count }, () => make(ending, more)));
  const ended = async (list: readonly Entry[], status: string): Promise<void> => {
    for (const each of list) {
      await until(async () => (await statusOf(merchant, each)).status === status, `${idOf(each)} is not ${status}`);
      each.told = status === 'SUCCESS' ? 'paid' : 'not_paid';
    }
  };
  const byAdmin = async (entry: Entry, verb: string, role: string, body: object): Promise<void> =>
    await untilDone(() => merchant.call('POST', `/api/admin/payouts/${idOf(entry)}/${verb}`, body, adminKey(cluster, role)));
  const byMerchant = async (entry: Entry, verb: string): Promise<void> =>
    await untilDone(() => merchant.call('POST', `/api/v1/payouts/${idOf(entry)}/${verb}`));
  const byBank = async (entry: Entry, attempt: number, status: string): Promise<void> =>
    await until(
      async () => await merchant.bank(`${idOf(entry)}:${attempt}`, status).then(() => true),
      `${idOf(entry)}:${attempt} is not at the bank`,
    );

  const fault = { kind: 'rate_limit', match: { accountNumber: TURNED_AWAY }, params: { seconds: 1 } };
  await merchant.control('POST', 'faults', fault);
  await ended(await some(OF_EACH, '0001'), 'SUCCESS');
  const [paidByBank = [], againByBank = []] = await Promise.all([some(OF_EACH, '0004'), some(OF_EACH, '0004')]);
  const reviewed = await some(OF_EACH, '0001', { amount: '100000.00' });
  const queued = await some(OF_EACH, '', { account: TURNED_AWAY });
  const held = await some(OF_EACH, '', { account: TURNED_AWAY });
  for (const each of againByBank) await byBank(each, 1, 'failed');
  await ended(againByBank, 'FAILED');
  for (const each of held) await byAdmin(each, 'hold', 'operator', { reason: 'a look first' });

  /** The first two of each list; the others are decided after the restore. */
  async function decideSome(): Promise<void> {
    for (const each of paidByBank.slice(0, 2)) await byBank(each, 1, 'paid');
    for (const each of againByBank.slice(0, 2)) {
      await byMerchant(each, 'reinitiate');
      await byBank(each, 2, 'paid');
    }
    for (const each of reviewed.slice(0, 2)) await byAdmin(each, 'approve', 'approver', { note: 'seen' });
    await byAdmin(reviewed[2] as Entry, 'reject', 'approver', { reason: 'not ours' });
    for (const each of queued.slice(0, 2)) await byMerchant(each, 'cancel');
    for (const each of held.slice(0, 2)) await byAdmin(each, 'release', 'operator', {});
    await ended(
      [...paidByBank, ...againByBank, ...reviewed].filter((_, nth) => nth % OF_EACH < 2),
      'SUCCESS',
    );
    await ended(reviewed.slice(2, 3), 'REJECTED');
    await ended(queued.slice(0, 2), 'CANCELLED');
  }

  return {
    entries,
    async goOn() {
      await decideSome();
      const isNew = true;
      await ended(await some(OF_EACH, '0001', { isNew }), 'SUCCESS');
      await ended(await some(OF_EACH, '0002', { isNew }), 'SUCCESS');
      await ended(await some(2, '0003', { isNew }), 'FAILED');
      await some(2, '0004', { isNew });
      await some(2, '0001', { isNew, amount: '100000.00' });
      await some(OF_EACH, '0008', { isNew });
      const dying = repeatsWhatDied ? some(2 * OF_EACH, '0001', { isNew }) : Promise.resolve();
      await sleep(300); // some have been answered by then, some not
      return { dying };
    },
  };
}

/** As a program does that does not know what was answered. */
export async function repeatAll(merchant: Merchant, entries: readonly Entry[]): Promise<void> {
  for (const { order, ids } of entries) ids.add(await askFor(merchant, order));
}

/** The payout of this order. One whose key the books forgot, but not its reference, is refused, and found by that. */
async function askFor(merchant: Merchant, order: Order): Promise<string> {
  const { status, body } = await merchant.ask(order);
  if (status === 201 || status === 202) return String(body['id']);
  if (body['code'] !== 'duplicate_reference') throw new Error(`${order.key} was answered ${status} ${JSON.stringify(body)}`);
  const list = await merchant.call('GET', `/api/v1/payouts?reference=${order.key}`);
  return String((list.body['data'] as { id: string }[])[0]?.id);
}

/** Until every payout that the books know has ended: what waits for the bank is paid, what waits for a person decided. */
export async function endAll(cluster: Cluster, merchant: Merchant, entries: readonly Entry[]): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    let open = 0;
    for (const entry of entries) if (!(await moveOn(cluster, merchant, entry))) open += 1;
    if (open === 0 || performance.now() > deadline) return;
    await sleep(1_000);
  }
}

/** @returns whether it has ended. */
async function moveOn(cluster: Cluster, merchant: Merchant, entry: Entry): Promise<boolean> {
  const id = idOf(entry);
  const mayBePaid = entry.told !== 'not_paid';
  const { status, waitingOn, attempts } = await statusOf(merchant, entry);
  const admin = async (verb: string, role: string, body: object) =>
    await merchant.call('POST', `/api/admin/payouts/${id}/${verb}`, body, adminKey(cluster, role));
  if (status === 'UNKNOWN_TO_US') return true;
  if (status === 'FAILED' && entry.told === 'paid')
    await merchant.call('POST', `/api/v1/payouts/${id}/reinitiate`); // as it had been
  else if (FINAL.has(status)) return true;
  else if (waitingOn === 'psp')
    await merchant.bank(`${id}:${attempts}`, 'paid').catch(() => undefined); // moved on meanwhile
  else if (waitingOn === 'approver' && mayBePaid) await admin('approve', 'approver', { note: 'seen again' });
  else if (waitingOn === 'operator' && status === 'ON_HOLD' && mayBePaid) await admin('release', 'operator', {});
  else if (waitingOn === 'operator' && status === 'PROCESSING') await resolve(merchant, id, admin);
  else if (!mayBePaid) await admin('reject', 'approver', { reason: 'called off' });
  return false;
}

/** What the PSP has is found by look-ups; what it does not have was not paid. */
async function resolve(
  merchant: Merchant,
  id: string,
  admin: (verb: string, role: string, body: object) => Promise<Reply>,
): Promise<void> {
  if ((await merchant.transfers(id)).length > 0) return;
  await admin('resolve', 'operator', { outcome: 'not_paid', evidence: 'the PSP has no such transfer' });
}

/** What went wrong with the money; empty where it went as everybody was told. */
export async function judge(merchant: Merchant, entry: Entry): Promise<string[]> {
  const { order, told, ids } = entry;
  let paid = 0;
  for (const id of ids) paid += await merchant.paidByPsp(id);
  const { status } = await statusOf(merchant, entry);
  const says = `${order.key} (${[...ids].join(', ')}; told: ${told ?? 'nothing final'})`;
  return [
    ...(paid > 1 ? [`${says} was paid ${paid} times`] : []),
    ...(told === 'not_paid' && paid > 0 ? [`${says} was paid`] : []),
    ...(told === 'paid' && paid === 0 ? [`${says} was not paid`] : []),
    ...(status !== 'UNKNOWN_TO_US' && (status === 'SUCCESS') !== paid > 0
      ? [`${says} is ${status}, and was paid ${paid} times`]
      : []),
    ...(status !== 'UNKNOWN_TO_US' && !FINAL.has(status) ? [`${says} has not ended: ${status}`] : []),
  ];
}

const FINAL = new Set(['SUCCESS', 'FAILED', 'REJECTED', 'CANCELLED', 'RETURNED']);

/** The newest payout of an entry. */
const idOf = ({ ids }: Entry): string => [...ids].at(-1) ?? '';

interface Seen {
  readonly status: string;
  readonly waitingOn: unknown;
  readonly attempts: unknown;
}

async function statusOf(merchant: Merchant, entry: Entry): Promise<Seen> {
  const { status, body } = await merchant.call('GET', `/api/v1/payouts/${idOf(entry)}`);
  if (status === 404) return { status: 'UNKNOWN_TO_US', waitingOn: null, attempts: 0 };
  return { status: String(body['status']), waitingOn: body['waitingOn'], attempts: body['attempts'] };
}

function adminKey({ credentials }: Cluster, role: string): string {
  return credentials.admins.find((each) => each.role === role)?.key ?? '';
}

/** Asked again while the payout is where it cannot be done, such as in the moment of a send. */
async function untilDone(ask: () => Promise<Reply>): Promise<void> {
  let last: Reply | undefined;
  await until(
    async () => {
      last = await ask();
      return last.status < 300;
    },
    () => `refused: ${JSON.stringify(last)}`,
  );
}

async function until(holds: () => Promise<boolean>, problem: string | (() => string)): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(typeof problem === 'string' ? problem : problem());
    await sleep(200);
  }
}
