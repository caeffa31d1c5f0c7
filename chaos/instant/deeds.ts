/** What payers, payees, banks and operators do to a withdrawal while it is under way: each may be done again, under the same key. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Form, formOf, screenshot } from '../../harness/screenshots.ts';
import { isRefusal } from '../insist.ts';
import type { Subject } from '../scenario.ts';
import type { Site } from '../site.ts';
import type { InstantDeed } from './behaviour.ts';
import { CURRENCY, type InstantOrder, major } from './orders.ts';

type Answered = 'done' | 'refused';

export interface SliceRow {
  readonly id: string;
  readonly state: string;
  readonly payerId: string | null;
  readonly payinId: string | null;
}

export const slicesOf = async ({ books }: Site, id: string): Promise<SliceRow[]> =>
  await books.rows<SliceRow & Record<string, unknown>>(
    'SELECT id, state, payer_id AS "payerId", payin_id AS "payinId" FROM instant_batches WHERE instant_payout_id = $1 ORDER BY number',
    id,
  );

/** One withdrawal, and somebody who does something to it. */
interface Deed {
  readonly site: Site;
  readonly id: string;
  readonly order: InstantOrder;
  readonly slices: readonly SliceRow[];
  ask(name: string, path: string, key: string, body?: object): Promise<Answered>;
}

/** @throws where it is not clear whether it was done: then do it again. */
export async function act(site: Site, { id, order }: Subject<InstantOrder>, does: InstantDeed): Promise<Answered> {
  const ask: Deed['ask'] = async (name, path, key, body) =>
    await askOnce(site, path, { key, body, idempotencyKey: `${name}-${id}` });
  await DEEDS[does]({ site, id, order, slices: await slicesOf(site, id), ask });
  return 'done';
}

const DEEDS: Readonly<Record<InstantDeed, (deed: Deed) => Promise<unknown>>> = {
  claim: async (deed) => {
    for (const nth of deed.slices.keys()) await must(claim(deed, nth, nth));
  },
  claim_first: async (deed) => await must(claim(deed, 0, 0)),
  /** Each payer wants each slice: of four one has it. */
  claim_at_once: async (deed) => {
    const wants = deed.slices.flatMap((_, nth) => deed.order.payers.map((_payer, who) => ({ nth, who })));
    const answers = await Promise.all(wants.map(({ nth, who }) => claim(deed, nth, who)));
    for (const nth of deed.slices.keys()) {
      const has = wants.filter((want, at) => want.nth === nth && answers[at] === 'done');
      if (has.length !== 1) throw new Error(`slice ${nth} of ${deed.id} has ${has.length} payers`);
    }
  },
  claim_and_cancel: async (deed) => await Promise.all([claim(deed, 0, 0), must(cancel(deed))]),
  claim_and_wait: async (deed) => {
    for (const nth of deed.slices.keys()) await must(claim(deed, nth, nth));
    for (const nth of deed.slices.keys()) await must(deposit(deed, nth, 2 + nth));
    for (const nth of deed.slices.keys()) {
      const { state, batchId } = await newestPayin(deed, 2 + nth);
      if (state === 'waiting') throw new Error(`payer ${2 + nth} of ${deed.id} waits`); // looked at again
      if (batchId === null) await must(claimFree(deed, nth, 2 + nth)); // in vain: somebody was dead for too long
      await must(show(deed, nth, deed.order.payers[2 + nth]));
    }
  },
  take_over: async (deed) => {
    for (const nth of deed.slices.keys()) {
      await must(claim(deed, nth, 2 + nth));
      await must(show(deed, nth, deed.order.payers[2 + nth]));
    }
  },
  prove_at_deadline: async (deed) => {
    for (const nth of deed.slices.keys()) await must(claim(deed, nth, nth));
    await Promise.all(
      [...deed.slices.keys()].map(async (nth) => {
        await sleep((await newestPayin(deed, nth)).leftMs);
        await must(show(deed, nth, deed.order.payers[nth]));
      }),
    );
  },
  prove_late: async (deed) => {
    for (const nth of deed.slices.keys()) await must(show(deed, nth, deed.order.payers[nth]));
  },
  prove: async (deed) => await Promise.all(having(deed, SHOWABLE).map((nth) => must(show(deed, nth)))),
  prove_the_same: async (deed) => {
    await must(show(deed, 0));
    const other = utrOf(deed.id, 0, deed.slices[0]?.payerId);
    if ((await show(deed, 1, undefined, other)) !== 'refused') throw new Error(`two slices of ${deed.id} were proven by one UTR`);
    await must(show(deed, 1));
  },
  prove_and_bank: async (deed) =>
    await Promise.all(deed.slices.flatMap((_, nth) => [must(show(deed, nth)), must(tellBank(deed, nth))])),
  bank: async (deed) => await Promise.all(deed.slices.map((_, nth) => must(tellBank(deed, nth)))),
  bank_finds: async (deed) => await must(tellBank(deed, 0)),
  credit_found: async (deed) => await must(decideLate(deed, 0, deed.slices[0]?.payerId ?? '', 'credit')),
  confirm: async (deed) => {
    for (const nth of having(deed, CONFIRMABLE)) await must(confirm(deed, nth));
  },
  confirm_at_once: async (deed) =>
    await Promise.all(['once', 'twice', 'thrice'].flatMap((name) => deed.slices.map((_, nth) => must(confirm(deed, nth, name))))),
  dispute: async (deed) =>
    await must(deed.ask('dispute', `${sliceAt(deed, 0)}/reject`, deed.order.key, { reason: 'it is not there' })),
  approve: async (deed) => await must(decide(deed, 'approve')),
  reject: async (deed) => await must(decide(deed, 'reject')),
  spend: async ({ ask, order, slices, id }) => {
    const spent = { amount: major(order.slices[0] ?? 0n), currency: CURRENCY, externalId: `spent-${id}` };
    await must(ask('spend', `/api/v1/users/${slices[0]?.payerId}/debit`, order.payersKey, spent));
  },
  cancel: async (deed) => await must(cancel(deed)),
  decide_late: async (deed) => {
    for (const [nth, decision] of (['credit', 'refund'] as const).entries())
      await must(decideLate(deed, nth, deed.order.payers[nth], decision));
  },
};

const NOTE = 'a part of the test';

async function must(answered: Promise<Answered>): Promise<void> {
  if ((await answered) === 'refused') throw new Error('that was refused');
}

const sliceAt = ({ slices }: Deed, nth: number): string => `/api/v1/instant-payouts/batches/${slices[nth]?.id}`;

/** What was not answered is asked for again, also where it was done: whoever did it may have ended before anybody was told. */
const SHOWABLE = ['assigned', 'proof_submitted', 'sys_confirmed'];
const CONFIRMABLE = ['sys_confirmed', 'confirmed'];

const having = ({ slices }: Deed, states: readonly string[]): number[] =>
  [...slices.entries()].flatMap(([nth, slice]) => (states.includes(slice.state) ? [nth] : []));

const claim = (deed: Deed, nth: number, who: number): Promise<Answered> =>
  deed.ask(`claim-${nth}-${who}`, `${sliceAt(deed, nth)}/claim`, deed.order.payersKey, {
    userId: deed.order.payers[who],
    callbackUrl: deed.order.callbackUrl,
  });

/** Not while another has it, whose time is over and not written down yet: the refusal would be the answer to every repeat. */
async function claimFree(deed: Deed, nth: number, who: number): Promise<Answered> {
  const state = (await slicesOf(deed.site, deed.id))[nth]?.state;
  if (state === 'assigned') throw new Error(`slice ${nth} of ${deed.id} is another's`); // looked at again
  return await claim(deed, nth, who);
}

/** By the amount of this slice. */
const deposit = ({ ask, id, order }: Deed, nth: number, who: number): Promise<Answered> =>
  ask(`deposit-${who}`, '/api/v1/payins', order.payersKey, {
    userId: order.payers[who],
    amount: major(order.slices[nth] ?? 0n),
    currency: CURRENCY,
    reference: `${id}-${who}`,
    callbackUrl: order.callbackUrl,
  });

const confirm = (deed: Deed, nth: number, name = 'once'): Promise<Answered> =>
  deed.ask(`confirm-${nth}-${name}`, `${sliceAt(deed, nth)}/confirm`, deed.order.key, { by: deed.order.payeeId });

const cancel = ({ ask, id, order }: Deed): Promise<Answered> => ask('cancel', `${order.path}/${id}/cancel`, order.key);

const decide = ({ ask, site, slices }: Deed, decision: string): Promise<Answered> =>
  ask(decision, `/api/admin/instant-payouts/disputes/${slices[0]?.id}`, site.adminKey('operator'), { decision, note: NOTE });

async function decideLate(deed: Deed, nth: number, payerId: string | undefined, decision: string): Promise<Answered> {
  const path = `/api/admin/instant-payouts/late-proofs/${await payinOf(deed, nth, payerId)}`;
  return await deed.ask(`late-${nth}`, path, deed.site.adminKey('operator'), { decision, note: NOTE });
}

const tellBank = ({ ask, id, order, slices }: Deed, nth: number): Promise<Answered> =>
  ask(`bank-${nth}`, '/api/v1/instant-payouts/bank-credits', order.key, {
    utr: utrOf(id, nth, slices[nth]?.payerId),
    amount: major(order.slices[nth] ?? 0n),
    creditedAt: CREDITED_AT,
  });

/** The same in every repeat; nothing depends on when. */
const CREDITED_AT = '2026-01-01T00:00:00.000Z';

/** Of whoever has the slice, unless it is said who; by the UTR of that payment, unless another is given. */
async function show(
  deed: Deed,
  nth: number,
  payerId = deed.slices[nth]?.payerId ?? '',
  utr = utrOf(deed.id, nth, payerId),
): Promise<Answered> {
  const name = `show-${nth}-${payerId}-${utr}-${deed.id}`;
  const payinId = await payinOf(deed, nth, payerId);
  const form = await formOf({ image: await imageOf(name), utr, payinId } satisfies Form);
  const path = `${sliceAt(deed, nth)}/screenshot`;
  return await askOnce(deed.site, path, { ...form, key: deed.order.payersKey, idempotencyKey: name });
}

async function payinOf({ site, slices }: Deed, nth: number, payerId: string | undefined): Promise<string> {
  const [row] = await site.books.rows<{ id: string }>(
    'SELECT payin_id AS id FROM instant_assignments WHERE batch_id = $1 AND user_id = $2 ORDER BY epoch DESC LIMIT 1',
    slices[nth]?.id,
    payerId,
  );
  if (!row) throw new Error(`${payerId} has no payin for slice ${nth}`);
  return row.id;
}

interface PayinRow {
  readonly state: string;
  readonly batchId: string | null;
  /** Until its deadline; 0: that is over. */
  readonly leftMs: number;
}

async function newestPayin({ site, order }: Deed, who: number): Promise<PayinRow> {
  const [row] = await site.books.rows<PayinRow & Record<string, unknown>>(
    `SELECT state, batch_id AS "batchId",
            greatest(0, coalesce(1000 * extract(epoch FROM pay_until - clock_timestamp()), 0))::float8 AS "leftMs"
       FROM payins WHERE user_id = $1 ORDER BY id DESC LIMIT 1`,
    order.payers[who],
  );
  if (!row) throw new Error(`payer ${who} has no payin`);
  return row;
}

/** Of a payment of somebody's for a slice: twelve digits, as like any other as two random ones. */
function utrOf(id: string, nth: number, payerId: string | null | undefined): string {
  const hash = createHash('sha256').update(`${id} ${nth} ${payerId}`).digest('hex').slice(0, 12);
  return String(100_000_000_000n + (BigInt(`0x${hash}`) % 900_000_000_000n));
}

/** The image of a proof that is shown again is the same. */
const images = new Map<string, Promise<Buffer>>();

function imageOf(name: string): Promise<Buffer> {
  const image = images.get(name) ?? screenshot();
  images.set(name, image);
  return image;
}

async function askOnce({ here }: Site, path: string, options: Parameters<Site['here']['call']>[2]): Promise<Answered> {
  const reply = await here.call('POST', path, options);
  if (reply.status < 300) return 'done';
  if (isRefusal(reply)) return 'refused';
  throw new Error(`${path}: ${reply.status}`);
}
