/**
 * A counterexample of the model (`npm run model -- --story FILE`) played on a real installation: what the PSP does becomes
 * faults and deeds of the simulator, a worker's death a kill at its failpoint, what people do an HTTP request. What the
 * engine does by itself it does by itself, so the moments are not exactly the model's: a story that passes here is no proof
 * that it cannot happen. Steps without a counterpart are said, and left out.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { DEEDS, type Deed, type DeedName } from '../model/deeds.ts';
import { sentenceOf } from '../model/story.ts';
import type { Failpoint } from '../src/failpoints.ts';
import { isFinal } from '../src/payouts/rules/machine.ts';
import { newId } from '../src/rules/newId.ts';
import type { BankDeed } from './behaviours.ts';
import { untilOrStill } from './patience.ts';
import { kill, untilBack } from './victims.ts';
import { openWorld, type World } from './world.ts';

/** Set before the payout is asked for; a lag lasts until the story lets the index catch up. */
interface Fault {
  readonly kind: string;
  readonly params?: object;
  readonly times: number;
}

type Part =
  | { readonly is: 'fault'; readonly fault: Fault }
  | { readonly is: 'bank'; readonly deed: BankDeed }
  | { readonly is: 'person'; readonly path: string; readonly body: object }
  | { readonly is: 'death'; readonly at: Failpoint }
  | { readonly is: 'catches_up' }
  | { readonly is: 'itself' }
  | { readonly is: 'none' };

const ALWAYS = 1_000;
const fault = (kind: string, times = 1, params: object = {}): Part => ({ is: 'fault', fault: { kind, params, times } });
const person = (path: string, body: object = {}): Part => ({ is: 'person', path, body });
const NONE: Part = { is: 'none' };

/** Where a worker is when it dies at this step of a request. */
const DEATHS: Readonly<Record<string, Failpoint>> = {
  begin: 'attempt.before',
  send: 'psp_call.before',
  taken: 'psp_call.after',
  record: 'psp_call.after',
};

/** What is not in here the engine, the clock or the PSP does by itself. */
const PARTS: Readonly<Partial<Record<DeedName, (deed: Deed) => Part>>> = {
  loses_request: () => fault('error_before'),
  loses_answer: () => fault('cut_after'),
  lags: () => fault('lagging_look_up', ALWAYS),
  goes_silent: () => NONE,
  catches_up: () => ({ is: 'catches_up' }),
  refuses: ({ what }) => (what === 'not now' ? fault('rate_limit') : fault('refuse_resend')),
  takes_oddly: () => fault('wrong_amount'),
  turns_odd: () => NONE,
  pays: () => ({ is: 'bank', deed: 'pay' }),
  pays_again: () => ({ is: 'bank', deed: 'pay' }),
  fails: () => ({ is: 'bank', deed: 'fail' }),
  returns: () => ({ is: 'bank', deed: 'return' }),
  revives: () => NONE,
  moves_on: () => NONE,
  forgets: () => NONE,
  repeats: () => fault('duplicate_callback', 1, { count: 2 }),
  dies: ({ what }) => {
    const at = DEATHS[what ?? ''];
    return at ? { is: 'death', at } : NONE;
  },
  is_given_up: () => NONE,
  is_lost: () => NONE,
  cannot: () => NONE,
  dispatches: () => NONE,
  approves: () => person('approve'),
  rejects: () => person('reject', { reason: 'a part of the story' }),
  holds: () => person('hold', { reason: 'a part of the story' }),
  lifts: () => person('release'),
  cancels: () => person('cancel'),
  resolves_paid: () => person('resolve', { outcome: 'paid', evidence: 'the PSP says so' }),
  resolves_not_paid: () => person('resolve', { outcome: 'not_paid', evidence: 'the PSP says so' }),
  reinitiates: () => person('retry'),
  acknowledges: () => person('acknowledge', { note: 'seen' }),
};

export const partOf = (deed: Deed): Part => PARTS[deed.does]?.(deed) ?? { is: 'itself' };

const isDeedName = (name: string): name is DeedName => Object.hasOwn(DEEDS, name);
const file = z.object({
  what: z.string(),
  deeds: z.array(z.object({ does: z.string().refine(isDeedName), attempt: z.int().optional(), what: z.string().optional() })),
});

export function readStory(path: string): readonly Deed[] {
  return file.parse(JSON.parse(readFileSync(path, 'utf8'))).deeds as readonly Deed[];
}

/** Queued until its bank does something: so that the story says what becomes of it. */
const SUFFIX = '0004';

/** @returns what was not as it must be. */
export async function playStory(deeds: readonly Deed[], say: (line: string) => void): Promise<string[]> {
  const world = await openWorld({ PSP_NOT_FOUND_GRACE: '1s' });
  try {
    const accountNumber = `12345678${newId('x').replace(/\D/g, '0').slice(-2).padStart(2, '0')}${SUFFIX}`;
    for (const deed of deeds) {
      const part = partOf(deed);
      if (part.is === 'fault')
        await world.books.psps.merchant.fault(part.fault.kind, part.fault.params ?? {}, accountNumber, part.fault.times);
      if (part.is === 'none') say(`no counterpart, left out: ${sentenceOf(deed)}`);
    }
    const death = deeds.map(partOf).find((part) => part.is === 'death');
    const held = death?.is === 'death' ? world.gate.arm(death.at, async () => true) : undefined;
    const body = {
      amount: '100.00',
      currency: 'PKR',
      reference: newId('x'),
      destination: { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' },
    };
    const made = await world.here.call<{ id: string }>('POST', '/api/v1/payouts', {
      key: world.merchantKey,
      body,
      idempotencyKey: newId('x'),
    });
    if (made.status >= 300) return [`not taken in: ${made.text}`];
    const { id } = made.body;
    if (held) {
      await untilOrStill(() => held.reached.size > 0, { moves: () => held.reached.size, stillMs: 30_000 });
      await kill(world.here, 'worker');
      held.open();
      await untilBack(world.here, 'worker');
    }
    for (const deed of deeds) await play(world, id, deed, say);
    return await problemsOf(world, id);
  } finally {
    await world.close(false);
  }
}

/** Each is asked for until it can be done: what the model does in one step may take the engine a while. */
async function play(world: World, id: string, deed: Deed, say: (line: string) => void): Promise<void> {
  const part = partOf(deed);
  const patience = { moves: () => 0, stillMs: 60_000, everyMs: 250 };
  const done = async (): Promise<boolean> => {
    switch (part.is) {
      case 'bank':
        return (await world.books.psps.merchant.bank(`${id}:${deed.attempt ?? 1}`, part.deed)) === 'done';
      case 'person':
        return (await asked(world, id, part.path, part.body)) < 300;
      case 'catches_up':
        await world.books.psps.merchant.clearFaults();
        return true;
      default:
        return true;
    }
  };
  if (!(await untilOrStill(done, patience))) say(`not possible here: ${sentenceOf(deed)}`);
  else if (part.is !== 'itself' && part.is !== 'none') say(`done: ${sentenceOf(deed)}`);
}

async function asked({ here, merchantKey }: World, id: string, path: string, body: object): Promise<number> {
  const isMerchants = path === 'cancel';
  const role = path === 'approve' || path === 'reject' ? 'approver' : 'operator';
  const key = isMerchants ? merchantKey : (here.credentials.admins.find((each) => each.role === role)?.key ?? '');
  const url = isMerchants ? `/api/v1/payouts/${id}/cancel` : `/api/admin/payouts/${id}/${path}`;
  return (await here.call('POST', url, { key, body, idempotencyKey: newId('x') })).status;
}

/** After a while in which nothing moves: one paid transfer for a payout that is paid, none for any other, or a person is told. */
async function problemsOf(world: World, id: string): Promise<string[]> {
  let last = '';
  await untilOrStill(
    async () => {
      const [payout] = await world.books.payouts([id]);
      last = payout?.state ?? '';
      return false;
    },
    { moves: () => last, stillMs: 30_000, everyMs: 500 },
  );
  await sleep(1_000);
  const [payout] = await world.books.payouts([id]);
  const paid = (await world.books.psps.merchant.transfers()).filter(
    ({ reference, status }) => reference.startsWith(`${id}:`) && status === 'paid',
  );
  const broken = (await world.books.invariants()).filter(({ violations }) => violations !== 0);
  const expected = payout?.state === 'SUCCEEDED' ? 1 : 0;
  const isOpen = payout !== undefined && !isFinal(payout.state);
  return [
    ...(paid.length > 1 ? [`paid ${paid.length} times`] : []),
    ...(!isOpen && paid.length !== expected ? [`the payout is ${payout?.state}, and the PSP has paid ${paid.length} times`] : []),
    ...broken.map(({ name, violations }) => `${name} is broken ${violations} times`),
  ];
}
