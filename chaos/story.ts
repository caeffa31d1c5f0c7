/**
 * A counterexample of the model (`npm run model -- --story FILE`) played on a real installation, as a merchant's payout at
 * the sandbox. What the engine does by itself it does by itself: where the story says what the payout becomes, it is waited
 * for, and where that never comes the story has parted from what is real, which is said. So a story that passes here shows
 * that today's engine goes another way, not that the model is wrong. Deeds without a counterpart are said, and left out.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Transfer } from '../harness/simulatorControl.ts';
import { DEEDS, type Deed, type DeedName } from '../model/deeds.ts';
import { sentenceOf } from '../model/story.ts';
import { settingsAt } from './boundaries.ts';
import type { Held } from './held.ts';
import { untilOrStill } from './patience.ts';
import { type PayoutBehaviour, plain } from './payouts/behaviour.ts';
import { act } from './payouts/deeds.ts';
import { givenBackTooEarly, restProblems } from './payouts/judge.ts';
import type { PayoutOrder } from './payouts/orders.ts';
import { type Psp, subjectOf } from './psp.ts';
import { seeded } from './random.ts';
import type { Cast, Seen, Subject } from './scenario.ts';
import { merchantPayout } from './scenarios/merchantPayout.ts';
import { openSite, type Site } from './site.ts';
import { answeredLate, arrivalsBefore, begunBefore, type Part, type PlayedDeed, partsOf } from './storyParts.ts';
import { kill, untilBack } from './victims.ts';

type Say = (line: string) => void;

const isDeedName = (name: string): name is DeedName => Object.hasOwn(DEEDS, name);
const file = z.object({
  what: z.string(),
  deeds: z.array(
    z.looseObject({
      does: z.string().refine(isDeedName, 'no deed of the model'),
      attempt: z.int().optional(),
      what: z.string().optional(),
      state: z.string().optional(),
    }),
  ),
});

export function readStory(path: string): readonly Deed[] {
  return file.parse(JSON.parse(readFileSync(path, 'utf8'))).deeds as readonly Deed[];
}

/** What stays unknown for as long goes to an operator: past the grace, a resend, and the notice of a worker's death. */
const OUTCOME_DEADLINE = '45s';

/** Nothing has been written down for as long: above every wait of the engine's, of which that deadline is the longest. */
const STILL_MS = 60_000;

/** What the model does in one step may take the engine, or a supervisor, a while. */
const POSSIBLE_WITHIN_MS = 20_000;

/** Above a look-up, its wait and a callback. */
const QUIET_MS = 4_000;

interface Play {
  readonly site: Site;
  readonly cast: Cast<PayoutOrder>;
  readonly psp: Psp;
  readonly payout: Subject<PayoutOrder>;
  readonly parts: readonly PlayedDeed[];
  readonly say: Say;
}

/** @returns what was not as it must be. */
export async function playStory(deeds: readonly Deed[], say: Say): Promise<string[]> {
  const middle = begunBefore(deeds);
  if (middle !== undefined)
    return [`not played: attempt ${middle} has begun before the story, and a real payout begins with none`];
  const site = await openSite({ ...settingsAt([merchantPayout], 'in_psp_call'), OUTCOME_DEADLINE }); // patient with slow answers
  try {
    // Held before its first request, so that what the PSP is to do can be said by the payout's own id.
    const first = site.gate.arm('attempt.before', async (id) => id);
    const play = await begin(site, partsOf(deeds), say);
    const parted = await playAll(play, first);
    say(parted === undefined ? 'it went as the story says' : `the rest of the story needs what did not happen: ${parted}`);
    return await problemsOf(play);
  } finally {
    await site.close(false);
  }
}

/** A payout that is asked for, and has not been sent. */
async function begin(site: Site, parts: readonly PlayedDeed[], say: Say): Promise<Play> {
  const cast = await merchantPayout.open(site);
  const psp = site.books.psps.sandbox;
  // Queued until its bank does something: so that the story says what becomes of it.
  const behaviour: PayoutBehaviour = { ...plain, name: 'story', suffix: '0004' };
  const order = await cast.draw(behaviour, seeded(1))();
  const isReviewed = parts.some(({ deed: { does } }) => does === 'approves' || does === 'rejects');
  const asked = isReviewed ? { ...order, body: { ...(order.body as object), amount: REVIEWED } } : order;
  const id = await site.customers.post(asked);
  for (const { deed, part } of parts) {
    if (part.is === 'none') say(`left out, it has no counterpart: ${sentenceOf(deed)}`);
    if (part.is !== 'fault') continue;
    const { kind, params, times } = part.fault;
    await psp.fault(kind, params, { reference: referenceOf(id, deed) }, times);
  }
  for (const attempt of answeredLate(parts)) {
    const match = { reference: referenceOf(id, { does: 'answers', attempt }) };
    for (const kind of ['slow_answer', 'late_callback']) await psp.fault(kind, SLOW, match);
  }
  return { site, cast, psp, payout: { id, order }, parts, say };
}

/** Time to do what is done meanwhile; below our own patience with the PSP (payouts/stops.ts, in_psp_call). */
const SLOW = { ms: 7_000 };

/** Large enough that an approver must look at it. */
const REVIEWED = '100000.00';

const referenceOf = (id: string, { attempt = 1 }: Deed): string => `${id}:${attempt}`;

/** One deed after the other. @returns the sentence of the first one after which the payout was not as the story says. */
async function playAll(play: Play, first: Held): Promise<string | undefined> {
  const { parts, payout, say } = play;
  let parted: string | undefined;
  let sequence = 0;
  let death = armNext(play, 0, first);
  for (const [index, { deed, part }] of parts.entries()) {
    const sentence = sentenceOf(deed);
    if (deed.does === 'begins') first.open();
    if (part.is === 'death') {
      await dieAt(play, death, sentence);
      death = armNext(play, index + 1);
    } else if (part.is !== 'itself' && part.is !== 'fault' && part.is !== 'none') {
      const isDone = await untilOrStill(() => doPart(play, deed, part, index), {
        moves: () => 0,
        stillMs: POSSIBLE_WITHIN_MS,
        everyMs: 250,
      });
      say(`${isDone ? 'done' : 'not possible here'}: ${sentence}`);
    }
    if (deed.state === undefined || parted !== undefined) continue;
    const reached = await whenItBecame(play.site, payout.id, deed.state, sequence);
    if (reached === undefined) parted = sentence;
    else sequence = reached;
  }
  first.open();
  return parted;
}

/** Holds whoever comes to the next death's place, once it is that death's request. */
function armNext({ site, parts, payout }: Play, from: number, first?: Held): Held | undefined {
  const at = parts.findIndex(({ part }, index) => index >= from && part.is === 'death');
  const part = parts[at]?.part;
  if (part?.is !== 'death') return undefined;
  const before = parts.slice(from, at).map(({ deed }) => deed);
  let left = arrivalsBefore(before, part.at);
  if (first && part.at === 'attempt.before') {
    if (left === 0) return first;
    left -= 1; // whoever is held already has come there
  }
  return site.gate.arm(part.at, async (id) => {
    if (id !== payout.id) return undefined;
    left -= 1;
    return left < 0 ? id : undefined;
  });
}

async function dieAt({ site, say }: Play, held: Held | undefined, sentence: string): Promise<void> {
  const isThere = await untilOrStill(() => (held?.reached.size ?? 0) > 0, { moves: () => 0, stillMs: POSSIBLE_WITHIN_MS });
  say(`${isThere ? 'done' : 'not possible here'}: ${sentence}`);
  if (isThere) await kill(site.here, 'worker');
  held?.open();
  if (isThere) await untilBack(site.here, 'worker');
}

async function doPart({ site, psp, payout }: Play, deed: Deed, part: Part, nth: number): Promise<boolean> {
  const match = { reference: referenceOf(payout.id, deed) };
  switch (part.is) {
    case 'later_fault':
      await psp.fault(part.fault.kind, part.fault.params, match, part.fault.times);
      return true;
    case 'catches_up':
      await psp.clearFaults();
      return true;
    case 'person':
      return (await act(site, 'sandbox', payout, { does: part.deed, nth })) === 'done';
    case 'bank': {
      const shown = (await psp.transfers()).find(({ reference }) => reference === match.reference);
      if (!shown) return false;
      if (part.isUnseen) await psp.fault('contradicts', { words: [shown.status] }, match, FOR_EVER);
      return (await act(site, 'sandbox', payout, { does: part.deed, attempt: deed.attempt ?? 1 })) === 'done';
    }
    default:
      return true;
  }
}

const FOR_EVER = 1_000;

/** @returns the number of the event that says so, after the one to which the story has come. */
async function whenItBecame({ books }: Site, id: string, state: string, after: number): Promise<number | undefined> {
  let last = after;
  let found: number | undefined;
  const isFound = async () => {
    const sql = 'SELECT sequence, to_state FROM events WHERE subject_id = $1 AND sequence > $2 ORDER BY sequence';
    const events = await books.rows<{ sequence: number; to_state: string }>(sql, id, after);
    last = events.at(-1)?.sequence ?? after;
    found = events.find((each) => each.to_state === state)?.sequence;
    return found !== undefined;
  };
  await untilOrStill(isFound, { moves: () => last, stillMs: STILL_MS, everyMs: 250 });
  return found;
}

/**
 * Once nothing moves: money that was given back must not be on its way. Then the PSP shows all that it has, and pays what it
 * still can; once that is heard of, its book and ours say the same, or a person is told.
 */
async function problemsOf(play: Play): Promise<string[]> {
  const { psp, cast, parts, say, site } = play;
  const { ends } = cast.scenario;
  const isLie = parts.some(({ deed }) => deed.does === 'revives' || deed.does === 'revives_unseen');
  const [atEnd, transfersAtEnd] = await whenQuiet(play, () => true);
  const early = atEnd && !isLie ? givenBackTooEarly(atEnd, transfersAtEnd) : [];
  if (!parts.some(({ deed }) => deed.does === 'goes_silent')) await psp.clearFaults();
  for (const { reference, status } of transfersAtEnd) {
    if (!['queued', 'held', 'processing'].includes(status)) continue;
    say(`afterwards: the PSP pays ${reference}`);
    await psp.bank(reference, 'pay');
  }
  const [seen, transfers] = await whenQuiet(play, ({ stage, needsOperator }) => needsOperator || Object.hasOwn(ends, stage));
  if (!seen) return ['it is not in the books'];
  const paid = transfers.filter(({ status }) => status === 'paid');
  const { stage, needsOperator } = seen;
  say(
    `in the end: ${stage}${needsOperator ? ', an operator is told' : ''}; ${listOf(transfers) || 'the PSP knows nothing of it'}`,
  );
  const broken = (await site.books.invariants()).filter(({ violations }) => violations !== 0);
  return [
    ...early,
    ...(needsOperator ? [] : restProblems(seen, transfers)),
    ...(paid.length > 1 && !isLie ? [`paid ${paid.length} times`] : []),
    ...broken.map(({ name, violations }) => `${name} is broken ${violations} times`),
    ...(await site.books.badlyEnded()).map((each) => `workflow ${each} ended badly`),
  ];
}

const listOf = (transfers: readonly Transfer[]): string =>
  transfers.map(({ reference, status, requests }) => `${reference} is ${status}, asked for ${requests} times`).join(', ');

/** Nothing is written down and nothing is to be told for a while, and the payout is as wanted; or nothing moves any more. */
async function whenQuiet(
  { cast, payout, psp }: Play,
  isWanted: (seen: Seen) => boolean,
): Promise<[Seen | undefined, readonly Transfer[]]> {
  let seen: Seen | undefined;
  let since = performance.now();
  await untilOrStill(
    async () => {
      const before = seen?.sequence;
      [seen] = await cast.see([payout.id]);
      if (before !== seen?.sequence || (await psp.pending()) > 0) since = performance.now();
      return seen !== undefined && isWanted(seen) && performance.now() - since > QUIET_MS;
    },
    { moves: () => seen?.sequence, stillMs: STILL_MS, everyMs: 250 },
  );
  return [seen, (await psp.transfers()).filter((each) => subjectOf(each) === payout.id)];
}
