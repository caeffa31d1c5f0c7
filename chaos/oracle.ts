/**
 * Do all who were there tell the same story? The PSP's own book, the ledger, the events, every answer the merchant got,
 * every webhook, the invariants, and Temporal.
 */
import type { EntryRow, EventRow, Transfer } from './books.ts';
import type { Order } from './merchant.ts';
import type { Webhook } from './merchantServer.ts';
import type { World } from './world.ts';

/** `payoutId` null: of the installation as a whole. */
export interface Finding {
  readonly payoutId: string | null;
  readonly what: string;
}

export interface Made {
  readonly order: Order;
  readonly id: string;
}

const FINAL = ['SUCCESS', 'FAILED', 'REJECTED', 'CANCELLED', 'RETURNED'];
const LATER_THAN: Readonly<Record<string, readonly string[]>> = { SUCCESS: ['RETURNED'] };

const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  SUCCESS: ['RESERVE', 'SETTLE'],
  FAILED: ['RESERVE', 'RELEASE'],
  RETURNED: ['RESERVE', 'SETTLE', 'REVERSE'],
};

/** `countsRequests`: false where the victim can take a request down with it that the PSP has counted: its own database. */
export async function judge(world: World, made: readonly Made[], countsRequests: boolean): Promise<Finding[]> {
  const { books, merchant, server } = world;
  const ids = made.map(({ id }) => id);
  const [transfers, events, entries] = await Promise.all([books.transfers(), books.events(ids), books.entries(ids)]);
  const byPayout = {
    transfers: grouped(transfers, ({ reference }) => reference.split(':')[0] ?? ''),
    events: grouped(events, ({ payout_id }) => payout_id),
    entries: grouped(entries, ({ payout_id }) => payout_id),
    webhooks: grouped(server.received, ({ payoutId }) => payoutId),
  };
  const findings: Finding[] = [];
  for (const { order, id } of made) {
    const status = (await merchant.read(id))?.status ?? 'unreadable';
    const problems = [
      ...(status === order.behaviour.ends ? [] : [`it is ${status}, not ${order.behaviour.ends}`]),
      ...bookProblems(order, status, byPayout.transfers.get(id) ?? [], countsRequests),
      ...ledgerProblems(order, status, byPayout.entries.get(id) ?? []),
      ...eventProblems(byPayout.events.get(id) ?? []),
      ...webhookProblems(byPayout.events.get(id) ?? [], byPayout.webhooks.get(id) ?? []),
      ...answerProblems(world, order, id),
    ];
    findings.push(...problems.map((what) => ({ payoutId: id, what })));
  }
  return [...findings, ...(await wholeProblems(world))];
}

/** One transfer for a payout that is paid, none that keeps the money for any other. */
function bookProblems({ amount, behaviour }: Order, status: string, transfers: readonly Transfer[], countsRequests: boolean) {
  const paid = transfers.filter((each) => each.status === 'paid');
  const returned = transfers.filter((each) => each.status === 'returned');
  const wanted = { paid: status === 'SUCCESS' ? 1 : 0, returned: status === 'RETURNED' ? 1 : 0 };
  const problems: string[] = [];
  if (paid.length !== wanted.paid) problems.push(`${status}, and the PSP has paid it ${paid.length} times`);
  if (returned.length !== wanted.returned) problems.push(`${status}, and the PSP got it back ${returned.length} times`);
  for (const each of transfers) {
    if (each.amount !== amount) problems.push(`the PSP was asked for ${each.amount}, not ${amount}`);
    // The first of two attempts was refused for certain, so its own count is 1 too.
    if (countsRequests && each.requests !== behaviour.requests) {
      problems.push(`the PSP was asked ${each.requests} times for ${each.reference}, not ${behaviour.requests}`);
    }
  }
  return problems;
}

function ledgerProblems({ amount }: Order, status: string, entries: readonly EntryRow[]): string[] {
  const types = entries.map(({ type }) => type);
  const wanted = ENTRIES[status] ?? [];
  const amountMinor = amount.replace('.', '');
  return [
    ...(types.join(' ') === wanted.join(' ') ? [] : [`${status}, and the ledger has ${types.join(' ') || 'nothing'}`]),
    ...entries.filter((each) => each.amount !== amountMinor).map((each) => `${each.type} of ${each.amount}, not ${amountMinor}`),
  ];
}

function eventProblems(events: readonly EventRow[]): string[] {
  const sequences = events.map(({ sequence }) => sequence);
  const hasGap = sequences.some((sequence, index) => sequence !== index + 1);
  return hasGap || sequences.length === 0 ? [`its events are numbered ${sequences.join(' ') || '(none)'}`] : [];
}

/** Every event came at least once, always the same; none came that never happened. */
function webhookProblems(events: readonly EventRow[], webhooks: readonly Webhook[]): string[] {
  const bodies = new Map<string, Set<string>>();
  for (const { id, body } of webhooks) bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
  const announced = new Set(events.filter(({ type }) => type !== 'payout.fact_ignored').map(({ id }) => id));
  return [
    ...[...announced].filter((id) => !bodies.has(id)).map((id) => `webhook ${id} never came`),
    ...[...bodies.keys()].filter((id) => !announced.has(id)).map((id) => `webhook ${id} tells of no event`),
    ...[...bodies].filter(([, versions]) => versions.size > 1).map(([id]) => `webhook ${id} came with different bodies`),
  ];
}

/** A key stays with its payout, its answer stays the same, and what was final stays final. */
function answerProblems({ merchant }: World, { key }: Order, id: string): string[] {
  const answers = merchant.answers.get(key) ?? [];
  const ids = new Set([id, ...answers.map((each) => each.id)]);
  const bodies = new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text));
  const seen = merchant.seen.get(id) ?? [];
  const undone = seen.filter((status, index) => {
    const before = seen[index - 1];
    return before !== undefined && FINAL.includes(before) && !LATER_THAN[before]?.includes(status);
  });
  return [
    ...(ids.size > 1 ? [`its key was answered with ${[...ids].join(', ')}`] : []),
    ...(bodies.size > 1 ? ['its key was answered with different bodies'] : []),
    ...(undone.length > 0 ? [`it was seen as ${seen.join(' ')}`] : []),
  ];
}

async function wholeProblems({ books, server }: World): Promise<Finding[]> {
  const broken = (await books.invariants()).filter(({ violations }) => violations !== 0);
  const ended = await books.workflows('Failed', 'Terminated', 'TimedOut', 'Canceled');
  const open = await books.workflows('Running');
  const told = await books.events([...new Set(server.received.map(({ payoutId }) => payoutId))]);
  const known = new Set(told.map(({ id }) => id));
  const invented = server.received.filter(({ id }) => !known.has(id));
  return [
    ...broken.map(({ name, violations }) => `${name} is broken ${violations} times`),
    ...ended.map((id) => `workflow ${id} ended badly`),
    ...open.map((id) => `workflow ${id} is still open`),
    ...invented.map(({ id }) => `webhook ${id} tells of no event`),
  ].map((what) => ({ payoutId: null, what }));
}

function grouped<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const group = groups.get(keyOf(each));
    if (group) group.push(each);
    else groups.set(keyOf(each), [each]);
  }
  return groups;
}
