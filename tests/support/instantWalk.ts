/** One withdrawal, twice: in the real books, and in the model's (model/instant). What can be said and done to it is told to both. */
import {
  freeze,
  type LateDecision,
  PAYEE,
  sliceOf,
  spend,
  type Told,
  type InstantBooks as Twin,
} from '../../model/instant/books.ts';
import { confirm, creditByBank, decide, decideLate, dispute, type Shown, submitProof } from '../../model/instant/proofs.ts';
import {
  claim, close, deposit, giveBackRest, lapseAssignment, lapseConfirmation, lapsePayin, matchPayin, matchSlice, passConfirmTime, passPayTime, passWaitTime,
  reassign, restOf, takeRest,
} from '../../model/instant/slices.ts'; // biome-ignore format: a list
import * as real from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, reserveRequest } from './books.ts';
import { type Instant, newUtr } from './instant.ts';
import type { TestUser } from './users.ts';

/** Of the payee, besides what is withdrawn, and of each payer. */
export const PURSES = [30n, 0n, 0n, 0n] as const;

export interface WalkedWithdrawal {
  readonly books: Books;
  readonly instant: Instant;
  readonly id: string;
  /** The payee, then the payers. */
  readonly people: readonly TestUser[];
  /** In the order of their ids, as the oldest is found. */
  readonly slices: readonly string[];
  /** In the order in which they were opened. */
  readonly payins: string[];
  twin: Twin;
}

export interface InstantDeed {
  readonly name: string;
  really(): Promise<string>;
  twin(now: Twin): Told;
}

type Draw = (below: number) => number;
const pick = <T>(random: Draw, all: readonly [T, ...T[]]): T => all[random(all.length)] ?? all[0];

type Story = readonly ((world: WalkedWithdrawal) => InstantDeed)[];

/** Whose payer is frozen, and credited all the same: a draw alone would seldom come there. */
const PAYER_FROZEN: Story = [
  (world) => claiming(world, 1, 0),
  (world) => proving(world, 0, { utr: newUtr(), image: newId('img') }),
  (world) => freezing(world, 1, true),
  (world) => confirming(world, 0),
];

/** Of which nobody pays anything: all of it is handed over, and cannot come back besides. */
const HANDED_OVER: Story = [
  (world) => closing(world, 'unfilled'),
  (world) => askingForRest(world),
  (world) => closing(world, 'cancelled'),
  takingRest,
  (world) => askingForRest(world),
];

/** One after the other has the slice, and nobody proves it in time; two of them do it later. */
const PROVED_LATE: Story = [
  ...[1, 2, 3].flatMap(
    (user): Story => [
      (world) => claiming(world, user, 0),
      (world) => passing(world, 0, 'pay_until'),
      (world) => lapsing(world, 0, user),
    ],
  ),
  (world) => proving(world, 0, { utr: newUtr(), image: newId('img') }),
  (world) => proving(world, 1, { utr: newUtr(), image: newId('img') }),
  (world) => decidingLate(world, 0, 'credit'),
];

/** Rejected, though credited and spent; then the bank has it. */
const FOUND: Story = [
  (world) => claiming(world, 1, 0),
  (world) => proving(world, 0, { utr: newUtr(), image: newId('img') }),
  (world) => deciding(world, 0, 'reject', false),
  (world) => banking(world, world.twin.payins[0]?.utr ?? '', sliceOf(world.twin, 0).amount),
  (world) => decidingLate(world, 0, 'reject'),
  (world) => decidingLate(world, 0, 'credit'),
];

const BEGINNINGS: Readonly<Record<number, Story>> = {
  0: HANDED_OVER,
  2: PAYER_FROZEN,
  1: FOUND,
  3: PROVED_LATE,
  4: PROVED_LATE,
  6: PAYER_FROZEN,
};

/** How the walk of a seed begins; the policies of withdrawals go by the seed, too. */
export const beginningOfWalk = (seed: number): Story => BEGINNINGS[seed % 8] ?? [];

/** More of what makes much follow. */
export function drawInstantDeed(world: WalkedWithdrawal, random: Draw): InstantDeed {
  const nth = random(world.slices.length);
  const { payins, slices } = world.twin;
  const recent = Math.max(payins.length - 1 - random(3), 0);
  const payin = random(3) === 0 ? random(Math.max(payins.length, 1)) : recent;
  const user = random(6) === 0 ? PAYEE : 1 + random(world.people.length - 1);
  const claims = [claiming(world, user, nth), depositing(world, random), claiming(world, user, nth)];
  const proofs = payins[payin]?.slice == null ? claims : [drawProof(world, random, payin), drawProof(world, random, payin)];
  const said = [
    ...claims,
    ...proofs,
    ...proofs,
    ...judging(world, random, nth),
    ...timely(world, random, nth),
    ...(payins.length > 0 ? ofPayin(world, random, payin) : []),
    moneys(world, random),
    moneys(world, random),
    moneys(world, random),
  ];
  const { closing, rest } = world.twin.withdrawal;
  const rare = random(rest === 'allotted' ? 2 : closing === null ? 14 : 5) === 0 ? endings(world, random) : [];
  const isOver = slices.every(({ money }) => money !== 'held');
  const all = rare.length > 0 ? rare : isOver && random(2) === 0 ? judging(world, random, nth) : said;
  return all[random(all.length)] ?? depositing(world, random);
}

const step = (name: string, really: () => Promise<{ readonly outcome: string }>, twin: (now: Twin) => Told): InstantDeed => ({
  name,
  really: async () => (await really()).outcome,
  twin,
});

const userOf = ({ people }: WalkedWithdrawal, nth: number): TestUser => {
  const found = people[nth];
  if (!found) throw new Error(`nobody is ${nth}`);
  return found;
};

/** A payin that the books have taken in gets its place. */
function opening(world: WalkedWithdrawal, open: (payinId: string) => Promise<real.PayinAnswer>): () => Promise<real.PayinAnswer> {
  return async () => {
    const payinId = newId('pin');
    const answer = await open(payinId);
    if (answer.outcome === 'opened') world.payins.push(payinId);
    return answer;
  };
}

function claiming(world: WalkedWithdrawal, user: number, nth: number): InstantDeed {
  const batchId = world.slices[nth] ?? '';
  const open = opening(world, (payinId) => world.instant.tryClaim(userOf(world, user), batchId, payinId));
  return step(`user ${user} claims slice ${nth}`, open, (now) => claim(now, user, nth));
}

function depositing(world: WalkedWithdrawal, random: Draw): InstantDeed {
  const user = 1 + random(world.people.length - 1);
  const amount = sliceOf(world.twin, random(world.slices.length)).amount + BigInt(random(2));
  const open = opening(world, (payinId) => world.instant.tryPayin(userOf(world, user), amount, payinId));
  return step(`user ${user} wants to deposit ${amount}`, open, (now) => deposit(now, user, amount));
}

/** By a UTR and an image of its own, or by those of another. */
function drawProof(world: WalkedWithdrawal, random: Draw, payin: number): InstantDeed {
  const { proofs, bank } = world.twin;
  const known = [...proofs.map(({ utr }) => utr), ...bank.map(({ utr }) => utr)];
  const utr = (random(3) === 0 && known[random(Math.max(known.length, 1))]) || newUtr();
  const image = (random(6) === 0 && proofs[random(Math.max(proofs.length, 1))]?.image) || newId('img');
  return proving(world, payin, { utr, image });
}

function proving(world: WalkedWithdrawal, payin: number, shown: Shown): InstantDeed {
  const nth = world.twin.payins[payin]?.slice ?? 0;
  return step(
    `payin ${payin} is proved by ${shown.utr}, ${shown.image}`,
    () => world.instant.prove(world.slices[nth] ?? '', world.payins[payin] ?? '', shown),
    (now) => submitProof(now, nth, payin, shown),
  );
}

const confirming = ({ books, slices }: WalkedWithdrawal, nth: number): InstantDeed =>
  step(
    `the payee confirms slice ${nth}`,
    () => real.confirmBatch(books.db.pool, { batchId: slices[nth] ?? '', actor: 'payee' }),
    (now) => confirm(now, nth),
  );

/** What the payee and operators say of a slice, and a bank of anything. */
function judging(world: WalkedWithdrawal, random: Draw, nth: number): readonly InstantDeed[] {
  const { twin } = world;
  const { pool } = world.books.db;
  const batchId = world.slices[nth] ?? '';
  const decision = pick(random, ['approve', 'reject'] as const);
  const shown = twin.proofs[random(Math.max(twin.proofs.length, 1))];
  const utr = (random(4) > 0 && shown?.utr) || newUtr();
  const amount = (shown ? sliceOf(twin, shown.slice).amount : 100n) + (random(3) === 0 ? 1n : 0n);
  const { epoch } = sliceOf(twin, nth);
  const isAgainstBank = random(2) === 0;
  return [
    confirming(world, nth),
    step(`the payee has not received slice ${nth}`, () => real.disputeBatch(pool, { batchId, reason: 'no', actor: 'payee' }), (now) => dispute(now, nth)),
    deciding(world, nth, decision, isAgainstBank),
    step(`an operator takes slice ${nth} back`, () => real.reassignBatch(pool, { batchId, epoch, actor: 'admin:adm_1' }), (now) => reassign(now, nth, epoch)),
    banking(world, utr, amount),
  ]; // biome-ignore format: a table
}

const deciding = (
  { books, slices }: WalkedWithdrawal,
  nth: number,
  decision: 'approve' | 'reject',
  isAgainstBank: boolean,
): InstantDeed =>
  step(
    `an operator says ${decision} of slice ${nth}${isAgainstBank ? ', against the bank' : ''}`,
    () =>
      real.decideBatch(books.db.pool, { batchId: slices[nth] ?? '', decision, isAgainstBank, note: null, actor: 'admin:adm_1' }),
    (now) => decide(now, nth, decision, isAgainstBank),
  );

const banking = (world: WalkedWithdrawal, utr: string, amount: bigint): InstantDeed => ({
  name: `the bank has ${amount} under ${utr}`,
  really: () => world.instant.bank(userOf(world, PAYEE), utr, amount),
  twin: (now) => creditByBank(now, utr, amount),
});

/** What becomes of a slice by itself, whether or not it is time for it. */
function timely(world: WalkedWithdrawal, random: Draw, nth: number): readonly InstantDeed[] {
  const { pool } = world.books.db;
  const batchId = world.slices[nth] ?? '';
  const { epoch } = sliceOf(world.twin, nth);
  return [
    passing(world, nth, 'pay_until'),
    passing(world, nth, 'confirm_until'),
    lapsing(world, nth, random(4) === 0 ? Math.max(epoch - 1, 1) : epoch),
    step(`the confirmation of slice ${nth} lapses`, () => real.lapseConfirmation(pool, batchId), (now) => lapseConfirmation(now, nth)),
    step(`slice ${nth} is matched`, () => real.matchBatch(pool, batchId), (now) => matchSlice(now, nth)),
  ]; // biome-ignore format: a table
}

/** In which state each of its times runs. */
const TIMES = {
  pay_until: { state: 'assigned', pass: passPayTime },
  confirm_until: { state: 'sys_confirmed', pass: passConfirmTime },
} as const;

function passing({ books, slices }: WalkedWithdrawal, nth: number, time: keyof typeof TIMES): InstantDeed {
  const { state, pass } = TIMES[time];
  return {
    name: `${time} of slice ${nth} is over`,
    async really() {
      const over = `UPDATE instant_batches SET ${time} = now() - interval '1 second' WHERE id = $1 AND state = $2`;
      await books.db.owner.query(over, [slices[nth], state]);
      return 'passed';
    },
    twin: (now) => ({ outcome: 'passed', books: sliceOf(now, nth).state === state ? pass(now, nth) : now }),
  };
}

const lapsing = ({ books, slices }: WalkedWithdrawal, nth: number, epoch: number): InstantDeed =>
  step(
    `assignment ${epoch} of slice ${nth} lapses`,
    () => real.lapseAssignment(books.db.pool, slices[nth] ?? '', epoch),
    (now) => lapseAssignment(now, nth, epoch),
  );

const decidingLate = (
  { books, payins }: WalkedWithdrawal,
  payin: number,
  decision: LateDecision,
  isAgainstBank = false,
): InstantDeed =>
  step(
    `late payin ${payin}: ${decision}`,
    () =>
      real.decideLateProof(books.db.pool, {
        payinId: payins[payin] ?? '',
        decision,
        isAgainstBank,
        note: null,
        actor: 'admin:adm_1',
      }),
    (now) => decideLate(now, payin, decision, isAgainstBank),
  );

function ofPayin(world: WalkedWithdrawal, random: Draw, payin: number): readonly InstantDeed[] {
  const { pool, owner } = world.books.db;
  const payinId = world.payins[payin] ?? '';
  const { lates } = world.twin;
  const late = lates[random(Math.max(lates.length, 1))]?.payin ?? payin;
  const deciding = decidingLate(world, late, pick(random, ['credit', 'credit', 'refund', 'reject'] as const), random(2) === 0);
  return [
    deciding,
    deciding,
    {
      name: `payin ${payin} has waited long enough`,
      async really() {
        await owner.query(`UPDATE payins SET wait_until = now() - interval '1 second' WHERE id = $1`, [payinId]);
        return 'passed';
      },
      twin: (now) => ({ outcome: 'passed', books: passWaitTime(now, payin) }),
    },
    step(`payin ${payin} is matched`, () => real.matchPayin(pool, payinId), (now) => matchPayin(now, payin)),
    step(`payin ${payin} lapses`, () => real.lapsePayin(pool, payinId), (now) => lapsePayin(now, payin)),
  ]; // biome-ignore format: a table
}

/** What people do with their money, and merchants with people. */
function moneys(world: WalkedWithdrawal, random: Draw): InstantDeed {
  const nth = random(world.people.length);
  const user = userOf(world, nth);
  if (random(2) === 0) return freezing(world, nth, random(2) === 0);
  const amount = pick(random, [20n, 60n, 100n]);
  return {
    name: `user ${nth} spends ${amount}`,
    really: () => world.instant.users.debit(user, amount, { currency: 'INR' }),
    twin: (now) => spend(now, nth, amount),
  };
}

const freezing = (world: WalkedWithdrawal, nth: number, frozen: boolean): InstantDeed => ({
  name: `user ${nth} is ${frozen ? 'frozen' : 'freed'}`,
  async really() {
    await world.instant.users.freeze(userOf(world, nth), frozen);
    return 'done';
  },
  twin: (now) => freeze(now, nth, frozen),
});

/** What ends much is rarer, so that much happens before. */
function endings(world: WalkedWithdrawal, random: Draw): readonly InstantDeed[] {
  const { pool } = world.books.db;
  return [
    closing(world, pick(random, ['cancelled', 'unfilled', 'unfilled'] as const)),
    askingForRest(world),
    ...(world.twin.withdrawal.rest === 'allotted' && random(2) === 0 ? [takingRest(world)] : []),
    step('its rest is given back', () => real.giveBackRest(pool, world.id), (now) => giveBackRest(now)),
  ]; // biome-ignore format: a table
}

const closing = ({ books, id }: WalkedWithdrawal, reason: 'cancelled' | 'unfilled'): InstantDeed =>
  step(
    `it is closed, ${reason}`,
    () => real.closeInstantPayout(books.db.pool, { instantPayoutId: id, reason, actor: 'merchant' }),
    (now) => close(now, reason),
  );

const askingForRest = ({ books, id }: WalkedWithdrawal): InstantDeed =>
  step(
    'its rest is asked for',
    () => real.restOfInstantPayout(books.db.pool, id, newId('po')),
    (now) => restOf(now),
  );

/** The payout of what nobody has paid is taken in. */
function takingRest({ books, instant, id, twin }: WalkedWithdrawal): InstantDeed {
  return {
    name: 'the payout of its rest is taken in',
    async really() {
      const { rows } = await books.db.owner.query<{ payout: string }>('SELECT rest_payout_id AS payout FROM instant_payouts WHERE id = $1', [id]); // biome-ignore format: one glance
      const { merchantId, mode, userId } = await instant.withdrawal(id);
      const order = { payoutId: rows[0]?.payout ?? '', amount: twin.withdrawal.held, currency: 'INR' };
      const taken = await books.ledger.reserve({
        ...reserveRequest({ merchantId, mode }, order),
        kind: 'user',
        owner: { kind: 'user', id: userId },
      });
      return taken.outcome;
    },
    twin: (now) => takeRest(now),
  };
}
