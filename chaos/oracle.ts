/**
 * Do all who were there tell the same story? The events, every answer the customer got, every webhook, the invariants, and
 * Temporal; and what each scenario asks of its own: the PSP's book, the ledger, what was earned, who was told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventRow } from './books.ts';
import { subjectOf } from './psp.ts';
import type { Evidence, Finding, Made, Seen } from './scenario.ts';
import type { Site } from './site.ts';
import { webhookProblems } from './webhooks.ts';
import type { World } from './world.ts';

/** `countsRequests`: as of the evidence. */
export async function judge(world: World, made: readonly Made[], countsRequests: boolean): Promise<Finding[]> {
  const { casts } = world;
  const evidence = await hear(world, made, countsRequests);
  const ids = made.map(({ id }) => id);
  const seen = new Map((await Promise.all(casts.map((cast) => cast.see(ids)))).flat().map((each) => [each.id, each]));
  const findings: Finding[] = [];
  for (const each of made) {
    const { id, cast } = each;
    const problems = [
      ...(await commonProblems(world, each, seen.get(id), evidence)),
      ...(await cast.judge(each, seen.get(id), evidence)),
    ];
    findings.push(...problems.map((what) => ({ payoutId: id, what })));
  }
  const ofScenarios = await Promise.all(casts.map((cast) => cast.judgeWhole?.() ?? []));
  const whole = [...(await wholeProblems(world)), ...ofScenarios.flat()];
  return [...findings, ...whole.map((what) => ({ payoutId: null, what }))];
}

async function hear({ books, server }: World, made: readonly Made[], countsRequests: boolean): Promise<Evidence> {
  const ids = made.map(({ id }) => id);
  const { sandbox, flutterwave } = books.psps;
  const [atSandbox, atFlutterwave, events, entries, notices, ...overlaps] = await Promise.all([
    sandbox.transfers(), flutterwave.transfers(), books.events(ids), books.entries(ids), books.notices(ids),
    sandbox.overlaps(), flutterwave.overlaps(),
  ]); // biome-ignore format: a list
  return {
    transfers: { sandbox: grouped(atSandbox, subjectOf), flutterwave: grouped(atFlutterwave, subjectOf) },
    overlaps: grouped(overlaps.flat(), subjectOf),
    events: grouped(events, ({ subject_id }) => subject_id),
    entries: grouped(entries, ({ subject_id }) => subject_id),
    notices: grouped(notices, ({ subject_id }) => subject_id),
    webhooks: grouped(server.received, ({ payoutId }) => payoutId),
    mails: books.mails(),
    countsRequests,
  };
}

/** Of a subject of whatever flow. */
async function commonProblems(world: World, made: Made, seen: Seen | undefined, evidence: Evidence): Promise<string[]> {
  const { id, order, ends, cast } = made;
  const { scenario } = cast;
  const status = await world.customers.read(order, id).catch(() => 'unreadable');
  const events = evidence.events.get(id) ?? [];
  const told = events.filter(({ type }) => !scenario.timelineOnly.includes(type));
  return [
    ...(seen?.stage === ends ? [] : [`it is ${seen?.stage}, not ${ends}`]),
    ...(status === scenario.ends[ends] ? [] : [`its customer reads ${status}, not ${scenario.ends[ends]}`]),
    ...eventProblems(events),
    ...webhookProblems(told, evidence.webhooks.get(id) ?? []),
    ...answerProblems(world, made),
  ];
}

function eventProblems(events: readonly EventRow[]): string[] {
  const sequences = events.map(({ sequence }) => sequence);
  const hasGap = sequences.some((sequence, index) => sequence !== index + 1);
  return hasGap || sequences.length === 0 ? [`its events are numbered ${sequences.join(' ') || '(none)'}`] : [];
}

/** A key stays with its payout, its answer stays the same, and what was final stays final. */
function answerProblems({ customers }: World, { order, id, cast }: Made): string[] {
  const answers = customers.answers.get(order.idempotencyKey) ?? [];
  const ids = new Set([id, ...answers.map((each) => each.id)]);
  const bodies = new Set(answers.filter(({ status }) => status === 201).map(({ text }) => text));
  const seen = customers.seen.get(id) ?? [];
  const words = cast.scenario.ends;
  const final = new Set(Object.values(words));
  const undoes = order.behaviour.undoes ?? [];
  const undone = seen.filter((status, index) => {
    const before = seen[index - 1];
    if (before === undefined || !final.has(before)) return false;
    return !undoes.some(([from, to]) => before === words[from] && (to === undefined || status === words[to]));
  });
  return [
    ...(ids.size > 1 ? [`its key was answered with ${[...ids].join(', ')}`] : []),
    ...(bodies.size > 1 ? ['its key was answered with different bodies'] : []),
    ...(undone.length > 0 ? [`it was seen as ${seen.join(' ')}`] : []),
  ];
}

/** Of the installation, whatever was played in it. */
export async function wholeProblems({ books, server }: Site): Promise<string[]> {
  const broken = (await books.invariants()).filter(({ violations }) => violations !== 0);
  const ended = await books.badlyEnded();
  const open = await stillOpen(books);
  const told = await books.events([...new Set(server.received.map(({ payoutId }) => payoutId))]);
  const known = new Set(told.map(({ id }) => id));
  const invented = server.received.filter(({ id }) => !known.has(id));
  const notices = await books.noticeIds();
  return [
    ...broken.map(({ name, violations }) => `${name} is broken ${violations} times`),
    ...ended.map((id) => `workflow ${id} ended badly`),
    ...open.map((id) => `workflow ${id} is still open`),
    ...invented.map(({ id }) => `webhook ${id} tells of no event`),
    ...[...books.mails()].flatMap((id) => (notices.has(id) ? [] : [`mail ${id} tells of nothing`])),
  ];
}

/** Far longer than a look-up at a simulated PSP. */
const LOOKS_AGAIN_AFTER_MS = 3_000;

/** What the housekeeping starts meanwhile, such as another look at an old message, has ended when we look again. */
async function stillOpen(books: Site['books']): Promise<string[]> {
  const before = await books.openWorkflows();
  if (before.length === 0) return [];
  await sleep(LOOKS_AGAIN_AFTER_MS);
  const after = new Set(await books.openWorkflows());
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
