/**
 * Do all who were there tell the same story? The PSP's own book, the ledger, the events, every answer the customer got,
 * every webhook, what was earned and who was told (providerOracle.ts), the invariants, and Temporal.
 */
import { isFinal, type PayoutState, PUBLIC_STATUS, STATES, TIMELINE_ONLY } from '../src/domain/payout/machine.ts';
import { PROVIDER_STATUS } from '../src/present/providerPayout.ts';
import { feeOf } from '../src/psp/flutterwave/scenarios.ts';
import type { Transfer } from '../tests/support/simulatorControl.ts';
import type { End, Flow } from './behaviours.ts';
import type { EntryRow, EventRow } from './books.ts';
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

const ENTRIES: Readonly<Record<End, readonly string[]>> = {
  SUCCEEDED: ['RESERVE', 'SETTLE', 'PSP_FEE'],
  FAILED: ['RESERVE', 'RELEASE'],
  REJECTED: ['RESERVE', 'RELEASE'],
  CANCELLED: ['RESERVE', 'RELEASE'],
  RETURNED: ['RESERVE', 'SETTLE', 'PSP_FEE', 'REVERSE'],
};

/** `countsRequests`: false where the victim can take a request down with it that the PSP has counted: its own database. */
export async function judge(world: World, made: readonly Made[], countsRequests: boolean): Promise<Finding[]> {
  const { books, customers, server } = world;
  const ids = made.map(({ id }) => id);
  const { merchant, provider } = books.psps;
  const [atSandbox, atFlutterwave, payouts, events, entries, notices] = await Promise.all([
    merchant.transfers(), provider.transfers(), books.payouts(ids), books.events(ids), books.entries(ids), books.notices(ids),
  ]); // biome-ignore format: a list
  const transfers = { merchant: grouped(atSandbox, payoutOf), provider: grouped(atFlutterwave, payoutOf) };
  const states = new Map(payouts.map(({ id, state }) => [id, state]));
  const byPayout = {
    events: grouped(events, ({ payout_id }) => payout_id),
    entries: grouped(entries, ({ payout_id }) => payout_id),
    notices: grouped(notices, ({ payout_id }) => payout_id),
    webhooks: grouped(server.received, ({ payoutId }) => payoutId),
  };
  const mails = books.mails();
  const findings: Finding[] = [];
  for (const each of made) {
    const { id, order, ends } = each;
    const { flow } = order.behaviour;
    const status = await customers.read(order, id).catch(() => 'unreadable');
    const itsEvents = byPayout.events.get(id) ?? [];
    const problems = [
      ...(states.get(id) === ends ? [] : [`it is ${states.get(id)}, not ${ends}`]),
      ...(status === WORDS[flow][ends] ? [] : [`its customer reads ${status}, not ${WORDS[flow][ends]}`]),
      ...bookProblems(each, transfers[flow].get(id) ?? [], countsRequests),
      ...(transfers[flow === 'merchant' ? 'provider' : 'merchant'].has(id) ? ['another PSP was asked to pay it, too'] : []),
      ...ledgerProblems(each, byPayout.entries.get(id) ?? []),
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

const payoutOf = ({ reference }: Transfer): string => reference.split(':')[0] ?? '';

/** One transfer for a payout that is paid, none that keeps the money for any other; and each attempt's under its own reference. */
function bookProblems({ id, order, ends }: Made, transfers: readonly Transfer[], countsRequests: boolean) {
  const { amount, behaviour } = order;
  const paid = transfers.filter((each) => each.status === 'paid');
  const returned = transfers.filter((each) => each.status === 'returned');
  const wanted = { paid: ends === 'SUCCEEDED' ? 1 : 0, returned: ends === 'RETURNED' ? 1 : 0 };
  const problems: string[] = [];
  if (paid.length !== wanted.paid) problems.push(`${ends}, and the PSP has paid it ${paid.length} times`);
  if (returned.length !== wanted.returned) problems.push(`${ends}, and the PSP got it back ${returned.length} times`);
  const references = transfers.map(({ reference }) => reference).sort();
  const attempts = ends === behaviour.ends ? behaviour.attempts : 1; // what was to be stopped, and was not, is paid at once
  const wantedReferences = Array.from({ length: attempts }, (_, index) => `${id}:${index + 1}`);
  if (references.join() !== wantedReferences.join()) {
    problems.push(`the PSP knows ${references.join(' ') || 'nothing'}, not ${wantedReferences.join(' ') || 'nothing'}`);
  }
  for (const each of transfers) {
    if (each.amount !== amount) problems.push(`the PSP was asked for ${each.amount}, not ${amount}`);
    // The first of two attempts was refused for certain, so its own count is 1 too.
    if (countsRequests && each.requests !== behaviour.requests) {
      problems.push(`the PSP was asked ${each.requests} times for ${each.reference}, not ${behaviour.requests}`);
    }
  }
  return problems;
}

/** A round that failed has given the money back before the next one reserved it. */
function ledgerProblems({ order, ends }: Made, entries: readonly EntryRow[]): string[] {
  const { amount, behaviour } = order;
  const amountMinor = amount.replace('.', '');
  const pspFee = behaviour.flow === 'provider' ? feeOf(BigInt(amountMinor), 'NGN').replace('.', '') : '0'; // by its price list
  const earlier = Array.from({ length: behaviour.rounds - 1 }, () => ENTRIES.FAILED).flat();
  const wanted = [...earlier, ...ENTRIES[ends]].filter((type) => type !== 'PSP_FEE' || pspFee !== '0');
  const types = entries.map(({ type }) => type);
  const amountOf = (type: string) => (type === 'PSP_FEE' ? pspFee : amountMinor);
  return [
    ...(types.join(' ') === wanted.join(' ') ? [] : [`${ends}, and the ledger has ${types.join(' ') || 'nothing'}`]),
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
  const final = new Set((Object.keys(STATES) as PayoutState[]).filter(isFinal).map((state) => words[state]));
  const undone = seen.filter((status, index) => {
    const before = seen[index - 1];
    if (before === undefined || !final.has(before)) return false;
    if (before === words.FAILED && behaviour.rounds > 1) return false;
    return !(before === words.SUCCEEDED && status === words.RETURNED && ends === 'RETURNED');
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
  const open = await books.workflows('Running');
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

function grouped<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const group = groups.get(keyOf(each));
    if (group) group.push(each);
    else groups.set(keyOf(each), [each]);
  }
  return groups;
}
