/**
 * Do all who were there tell the same story? The PSP's own book, the ledger, the events, every answer the customer got,
 * every webhook, what was earned and who was told (providerOracle.ts), the invariants, and Temporal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transfer } from '../harness/simulatorControl.ts';
import { isFinal, type PayoutState, PUBLIC_STATUS, STATES, TIMELINE_ONLY } from '../src/payouts/rules/machine.ts';
import { PROVIDER_STATUS } from '../src/providers/present/providerPayout.ts';
import { feeOf } from '../src/psp/flutterwave/scenarios.ts';
import { type Flow, STORY_OF } from './behaviours.ts';
import type { EntryRow, EventRow, PayoutRow } from './books.ts';
import type { Made } from './crowd.ts';
import type { Webhook } from './merchantServer.ts';
import { earningProblems, mailProblems, noticeProblems } from './providerOracle.ts';
import type { World } from './world.ts';

/** `payoutId` null: of the installation as a whole. */
export interface Finding {
  readonly payoutId: string | null;
  readonly what: string;
}

/** Each end in the words of its API. */
const WORDS: Readonly<Record<Flow, Readonly<Record<PayoutState, string>>>> = {
  merchant: PUBLIC_STATUS,
  provider: PROVIDER_STATUS,
};

/** What the PSP's own book must say of a payout at rest in a state; of the others it may say anything. */
const AT_REST: Readonly<Partial<Record<PayoutState, { readonly paid: number; readonly returned: number }>>> = {
  SUCCEEDED: { paid: 1, returned: 0 },
  RETURNED: { paid: 0, returned: 1 },
  FAILED: { paid: 0, returned: 0 },
  REJECTED: { paid: 0, returned: 0 },
  CANCELLED: { paid: 0, returned: 0 },
};

/** The PSP may still pay it, or has. */
const LIVE: ReadonlySet<string> = new Set(['queued', 'held', 'processing', 'paid']);

/** `countsRequests`: false where the victim can take a request down with it that the PSP has counted: its own database. */
export async function judge(world: World, made: readonly Made[], countsRequests: boolean): Promise<Finding[]> {
  const { books, customers, server } = world;
  const ids = made.map(({ id }) => id);
  const { merchant, provider } = books.psps;
  const [atSandbox, atFlutterwave, payouts, events, entries, notices, ...overlaps] = await Promise.all([
    merchant.transfers(), provider.transfers(), books.payouts(ids), books.events(ids), books.entries(ids), books.notices(ids),
    merchant.overlaps(), provider.overlaps(),
  ]); // biome-ignore format: a list
  const transfers = { merchant: grouped(atSandbox, payoutOf), provider: grouped(atFlutterwave, payoutOf) };
  const rows = new Map(payouts.map((row) => [row.id, row]));
  const byPayout = {
    overlaps: grouped(overlaps.flat(), payoutOf),
    events: grouped(events, ({ subject_id }) => subject_id),
    entries: grouped(entries, ({ subject_id }) => subject_id),
    notices: grouped(notices, ({ subject_id }) => subject_id),
    webhooks: grouped(server.received, ({ payoutId }) => payoutId),
  };
  const mails = books.mails();
  const findings: Finding[] = [];
  for (const each of made) {
    const { id, order, ends } = each;
    const { flow } = order.behaviour;
    const status = await customers.read(order, id).catch(() => 'unreadable');
    const row = rows.get(id);
    const itsEvents = byPayout.events.get(id) ?? [];
    const itsTransfers = transfers[flow].get(id) ?? [];
    const problems = [
      ...(row?.state === ends ? [] : [`it is ${row?.state}, not ${ends}`]),
      ...(status === WORDS[flow][ends] ? [] : [`its customer reads ${status}, not ${WORDS[flow][ends]}`]),
      ...bookProblems(each, itsTransfers, countsRequests),
      ...(row ? restProblems(row, itsTransfers) : []),
      ...(byPayout.overlaps.get(id) ?? []).map(({ reference, earlier }) => `${reference} was taken while ${earlier} was live`),
      ...(transfers[flow === 'merchant' ? 'provider' : 'merchant'].has(id) ? ['another PSP was asked to pay it, too'] : []),
      ...storyProblems(each, row, byPayout.entries.get(id) ?? []),
      ...eventProblems(itsEvents),
      ...webhookProblems(itsEvents, byPayout.webhooks.get(id) ?? []),
      ...answerProblems(world, each),
      ...(flow === 'provider' ? await earningProblems(world, each) : []),
      ...(flow === 'provider' ? noticeProblems(itsEvents, byPayout.notices.get(id) ?? [], mails) : []),
    ];
    findings.push(...problems.map((what) => ({ payoutId: id, what })));
  }
  return [...findings, ...(await wholeProblems(world))];
}

/** Far longer than a look-up at a simulated PSP. */
const LOOKS_AGAIN_AFTER_MS = 3_000;

const payoutOf = ({ reference }: { readonly reference: string }): string => reference.split(':')[0] ?? '';

/** Whatever was to be: our books say what the PSP's book says, or a person was told. */
function restProblems({ state, needsOperator }: PayoutRow, transfers: readonly Transfer[]): string[] {
  const wanted = AT_REST[state];
  if (!wanted) return needsOperator ? [] : [`it is ${state} at rest, and nobody is told`];
  const count = (status: string) => transfers.filter((each) => each.status === status).length;
  const isReleased = wanted.paid === 0 && wanted.returned === 0;
  const live = transfers.filter(({ status }) => LIVE.has(status));
  return [
    ...(count('paid') === wanted.paid ? [] : [`${state}, and the PSP has paid it ${count('paid')} times`]),
    ...(count('returned') === wanted.returned ? [] : [`${state}, and the PSP got it back ${count('returned')} times`]),
    ...(isReleased && !needsOperator
      ? live.map(({ reference, status }) => `${state}, and ${reference} is ${status}, and nobody is told`)
      : []),
  ];
}

/** Each attempt under its own reference, for what was asked, and asked for no more often than need be. */
function bookProblems({ id, order, ends }: Made, transfers: readonly Transfer[], countsRequests: boolean): string[] {
  const { amount, behaviour } = order;
  const problems: string[] = [];
  const references = transfers.map(({ reference }) => reference).sort();
  const attempts = ends === behaviour.ends ? behaviour.attempts : 1; // what was to be stopped, and was not, is paid at once
  const wantedReferences = Array.from({ length: attempts }, (_, index) => `${id}:${index + 1}`);
  if (references.join() !== wantedReferences.join()) {
    problems.push(`the PSP knows ${references.join(' ') || 'nothing'}, not ${wantedReferences.join(' ') || 'nothing'}`);
  }
  for (const each of transfers) {
    if (each.amount !== amount) problems.push(`the PSP was asked for ${each.amount}, not ${amount}`);
    // The first of two attempts was refused for certain, so its own count is 1 too.
    const [least, most] = behaviour.requests;
    if (countsRequests && (each.requests < least || each.requests > most)) {
      problems.push(
        `the PSP was asked ${each.requests} times for ${each.reference}, not ${[...new Set([least, most])].join(' to ')}`,
      );
    }
  }
  return problems;
}

/** A round that failed has given the money back before the next one reserved it. */
function storyProblems({ order, ends }: Made, row: PayoutRow | undefined, entries: readonly EntryRow[]): string[] {
  const { amount, behaviour } = order;
  const amountMinor = amount.replace('.', '');
  const pspFee = behaviour.flow === 'provider' ? feeOf(BigInt(amountMinor), 'NGN').replace('.', '') : '0'; // by its price list
  const earlier = Array.from({ length: behaviour.rounds - 1 }, () => STORY_OF.FAILED.entries).flat();
  const stories = (ends === behaviour.ends && behaviour.stories) || [STORY_OF[ends]];
  const isBooked = (type: string) => type !== 'PSP_FEE' || pspFee !== '0';
  const types = entries.map(({ type }) => type).join(' ');
  const booked = stories.filter((story) => [...earlier, ...story.entries].filter(isBooked).join(' ') === types);
  const isTold = booked.some(({ needsOperator = row?.needsOperator }) => needsOperator === row?.needsOperator);
  const amountOf = (type: string) => (type === 'PSP_FEE' ? pspFee : amountMinor);
  return [
    ...(booked.length > 0 ? [] : [`${ends}, and the ledger has ${types || 'nothing'}`]),
    ...(booked.length === 0 || isTold ? [] : [`${ends} after ${types}, and needsOperator is ${row?.needsOperator}`]),
    ...entries.flatMap(({ type, amount: booked }) =>
      booked === amountOf(type) ? [] : [`${type} of ${booked}, not ${amountOf(type)}`],
    ),
  ];
}

function eventProblems(events: readonly EventRow[]): string[] {
  const sequences = events.map(({ sequence }) => sequence);
  const hasGap = sequences.some((sequence, index) => sequence !== index + 1);
  return hasGap || sequences.length === 0 ? [`its events are numbered ${sequences.join(' ') || '(none)'}`] : [];
}

const isForTimeline = (type: string): boolean => TIMELINE_ONLY.some((each) => each === type);

/** Every event came at least once, always the same; none came that never happened. */
function webhookProblems(events: readonly EventRow[], webhooks: readonly Webhook[]): string[] {
  const bodies = new Map<string, Set<string>>();
  for (const { id, body } of webhooks) bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
  const announced = new Set(events.filter(({ type }) => !isForTimeline(type)).map(({ id }) => id));
  return [
    ...[...announced].filter((id) => !bodies.has(id)).map((id) => `webhook ${id} never came`),
    ...[...bodies.keys()].filter((id) => !announced.has(id)).map((id) => `webhook ${id} tells of no event`),
    ...[...bodies].filter(([, versions]) => versions.size > 1).map(([id]) => `webhook ${id} came with different bodies`),
  ];
}

/** A key stays with its payout, its answer stays the same, and what was final stays final. */
function answerProblems({ customers }: World, { order, id, ends }: Made): string[] {
  const { behaviour, idempotencyKey } = order;
  const answers = customers.answers.get(idempotencyKey) ?? [];
  const ids = new Set([id, ...answers.map((each) => each.id)]);
  const bodies = new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text));
  const seen = customers.seen.get(id) ?? [];
  const words = WORDS[behaviour.flow];
  const undoes = behaviour.undoes ?? (ends === 'RETURNED' ? [['SUCCEEDED', 'RETURNED'] as const] : []);
  const final = new Set((Object.keys(STATES) as PayoutState[]).filter(isFinal).map((state) => words[state]));
  const undone = seen.filter((status, index) => {
    const before = seen[index - 1];
    if (before === undefined || !final.has(before)) return false;
    if (before === words.FAILED && behaviour.rounds > 1) return false;
    return !undoes.some(([from, to]) => before === words[from] && status === words[to]);
  });
  return [
    ...(ids.size > 1 ? [`its key was answered with ${[...ids].join(', ')}`] : []),
    ...(bodies.size > 1 ? ['its key was answered with different bodies'] : []),
    ...(undone.length > 0 ? [`it was seen as ${seen.join(' ')}`] : []),
  ];
}

async function wholeProblems(world: World): Promise<Finding[]> {
  const { books, server } = world;
  const broken = (await books.invariants()).filter(({ violations }) => violations !== 0);
  const ended = await books.workflows('Failed', 'Terminated', 'TimedOut', 'Canceled');
  const open = await stillOpen(world);
  const told = await books.events([...new Set(server.received.map(({ payoutId }) => payoutId))]);
  const known = new Set(told.map(({ id }) => id));
  const invented = server.received.filter(({ id }) => !known.has(id));
  return [
    ...broken.map(({ name, violations }) => `${name} is broken ${violations} times`),
    ...ended.map((id) => `workflow ${id} ended badly`),
    ...open.map((id) => `workflow ${id} is still open`),
    ...(await books.openRuns()).map((id) => `run ${id} never finished`),
    ...invented.map(({ id }) => `webhook ${id} tells of no event`),
    ...(await mailProblems(world)),
  ].map((what) => ({ payoutId: null, what }));
}

/** What the housekeeping starts meanwhile, such as another look at an old message, has ended when we look again. */
async function stillOpen({ books }: World): Promise<string[]> {
  const before = await books.workflows('Running');
  if (before.length === 0) return [];
  await sleep(LOOKS_AGAIN_AFTER_MS);
  const after = new Set(await books.workflows('Running'));
  return before.filter((id) => after.has(id));
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
