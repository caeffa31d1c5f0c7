/** The oracle's questions about a withdrawal: what its payee and its payers have, what each slice came to, and what was paid outside. */
import type { Made } from '../scenario.ts';
import type { Site } from '../site.ts';
import { outcomeOf, type Purse, type SliceFate } from './behaviour.ts';
import { CURRENCY, type InstantOrder, major } from './orders.ts';
import { toldProblems } from './told.ts';

interface SliceRow {
  readonly id: string;
  readonly money: string;
  readonly payerId: string | null;
  /** How often it was credited, taken back, and released. */
  readonly credits: number;
  readonly backs: number;
  readonly releases: number;
  /** Credited before anybody had confirmed it. */
  readonly isEarly: boolean;
}

interface PurseRow {
  readonly id: string;
  readonly available: string;
  readonly locked: string;
  readonly debt: string;
}

const NOTHING: Purse = { available: 0n, locked: 0n, debt: 0n };

export async function withdrawalProblems(site: Site, made: Made<InstantOrder>): Promise<string[]> {
  const { id, order } = made;
  const { behaviour, slices: minors, payers, payeeId } = order;
  const rows = await site.books.rows<SliceRow & Record<string, unknown>>(SLICES, id);
  if (rows.length !== minors.length) return [`it has ${rows.length} slices`];
  const slices = rows.map(({ payerId }, nth) => ({ payerId, minor: minors[nth] ?? 0n }));
  const outcome = outcomeOf(behaviour, slices, payers[0] ?? '');
  const purses = await site.books.rows<PurseRow & Record<string, unknown>>(PURSES, [payeeId, ...payers], CURRENCY);
  return [
    ...purseProblems(
      'its payee',
      purses.find((each) => each.id === payeeId),
      outcome.payee,
    ),
    ...payers.flatMap((payer) =>
      purseProblems(
        `payer ${payer}`,
        purses.find((each) => each.id === payer),
        outcome.payers.get(payer) ?? NOTHING,
      ),
    ),
    ...rows.flatMap((row, nth) => sliceProblems(row, nth, behaviour.onUnfilled === 'psp' ? 'handed' : behaviour.fates[nth])),
    ...rows.flatMap(({ isEarly }, nth) =>
      behaviour.creditOn && isEarly ? [`slice ${nth} was credited before it was confirmed`] : [],
    ),
    ...(await restProblems(site, id, order)),
    ...(await toldProblems(site, made)),
  ];
}

const SLICES = `
  SELECT b.id, b.money, b.payer_id AS "payerId", b.credited_at IS NOT NULL AND b.credited_at IS DISTINCT FROM b.confirmed_at AS "isEarly",
         (SELECT count(*)::int FROM ledger_entries e WHERE e.subject_id = b.id AND e.type = 'SLICE') AS credits,
         (SELECT count(*)::int FROM ledger_entries e WHERE e.subject_id = b.id AND e.type IN ('SLICE_BACK', 'DEBT')) AS backs,
         (SELECT count(*)::int FROM ledger_entries e WHERE e.subject_id = b.id AND e.type = 'WITHDRAWAL_BACK' AND e.op_key LIKE '%/release') AS releases
    FROM instant_batches b WHERE b.instant_payout_id = $1 ORDER BY b.number`;

const PURSES = `
  SELECT owner_id AS id, available::text, reserved::text AS locked, debt::text
    FROM balances WHERE owner_kind = 'user' AND owner_id = ANY ($1) AND currency = $2`;

function purseProblems(who: string, row: PurseRow | undefined, should: Purse): string[] {
  const has = row ? { available: BigInt(row.available), locked: BigInt(row.locked), debt: BigInt(row.debt) } : NOTHING;
  const line = ({ available, locked, debt }: Purse) =>
    `${major(available)} available, ${major(locked)} locked, ${major(debt)} owed`;
  return line(has) === line(should) ? [] : [`${who} has ${line(has)}, not ${line(should)}`];
}

/** Where its money is, and how often it was credited, taken back, and released. */
const BOOKED: Readonly<Record<SliceFate, string>> = {
  paid: 'credited 1 0 0',
  back: 'released 0 0 1',
  reversed: 'reversed 1 1 0',
  found: 'reversed 1 1 0', // the second credit is its payin's
  handed: 'handed 0 0 0',
};

function sliceProblems({ id, money, credits, backs, releases }: SliceRow, nth: number, fate: SliceFate | undefined): string[] {
  const is = `${money} ${credits} ${backs} ${releases}`;
  return fate && is === BOOKED[fate] ? [] : [`slice ${nth} (${id}) is ${is}, not ${fate && BOOKED[fate]}`];
}

interface RestRow {
  readonly payoutId: string | null;
  readonly state: string | null;
  readonly amount: string | null;
}

/** The PSP was asked for what nobody has paid, once, and for nothing else. */
async function restProblems({ books }: Site, id: string, { behaviour, slices }: InstantOrder): Promise<string[]> {
  const [row] = await books.rows<RestRow & Record<string, unknown>>(REST, id);
  if (behaviour.onUnfilled !== 'psp') return row?.payoutId ? [`its rest went to the payout ${row.payoutId}`] : [];
  const should = {
    state: behaviour.fates[0] === 'handed' ? 'SUCCEEDED' : 'FAILED',
    amount: slices.reduce((sum, each) => sum + each, 0n),
  };
  const transfers = (await books.psps.sandbox.transfers()).filter(({ reference }) => reference.startsWith(`${row?.payoutId}:`));
  const paid = transfers.filter(({ status }) => status === 'paid').length;
  return [
    ...(row?.state === should.state && row.amount === String(should.amount)
      ? []
      : [`the payout of its rest is ${row?.state} of ${row?.amount}, not ${should.state} of ${should.amount}`]),
    ...(paid === (should.state === 'SUCCEEDED' ? 1 : 0) ? [] : [`the PSP has paid its rest ${paid} times`]),
  ];
}

const REST = `
  SELECT w.rest_payout_id AS "payoutId", p.state, p.amount::text
    FROM instant_payouts w LEFT JOIN payouts p ON p.id = w.rest_payout_id WHERE w.id = $1`;
