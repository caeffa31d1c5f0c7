/** Whoever asks why something stands as it does gets an answer: of every state, in every flow, and a true one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EXPLAINED, type ExplainedFlow } from '../../src/explain/flows.ts';
import { explainGame } from '../../src/games/rules/explain.ts';
import type { GameRecord } from '../../src/games/rules/game.ts';
import { GAME, type GameState } from '../../src/games/rules/machine.ts';
import { BATCH, BATCH_STATES, type BatchState } from '../../src/instant/rules/batchMachine.ts';
import { explainBatch, explainPayin, explainWithdrawal } from '../../src/instant/rules/explain.ts';
import { PAYIN, type PayinState } from '../../src/instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT, type InstantPayoutState } from '../../src/instant/rules/payoutMachine.ts';
import { type BatchRecord, type InstantPayoutRecord, type PayinRecord, REVIEW_REASONS } from '../../src/instant/rules/records.ts';
import { explainResolution } from '../../src/markets/rules/explain.ts';
import { RESOLUTION, type ResolutionState } from '../../src/markets/rules/machine.ts';
import type { ResolutionRecord } from '../../src/markets/rules/market.ts';
import { explainPayout, nextLookUpMs, ACTIONS as PAYOUT_ACTIONS } from '../../src/payouts/rules/explain.ts';
import { PAYOUT_KIND_NAMES, type PayoutKind } from '../../src/payouts/rules/kinds.ts';
import { edgeOf, FACTS, type FactType, PAYOUT, type PayoutState } from '../../src/payouts/rules/machine.ts';
import { PARKED_MS } from '../../src/payouts/rules/next.ts';
import type { RecordedPayout } from '../../src/payouts/rules/recorded.ts';
import { type Explanation, forOperators, forOwner, type Step, type Told } from '../../src/rules/explain.ts';

const CREATED = '2026-11-30T09:00:00.000Z';
const LATER = '2026-11-30T09:10:00.000Z';
const times = {
  reviewWindowMs: 86_400_000,
  retryWaitMs: 60_000,
  retryWaitMaxMs: 600_000,
  firstLookUpMs: 10_000,
  lookUpMaxMs: 300_000,
  notFoundGraceMs: 60_000,
  outcomeDeadlineMs: 7_200_000,
};
const schedule = { nowMs: Date.parse(LATER) + 5_000, times, nextRunAt: '2026-11-30T10:00:00.000Z' };

const payout = (state: PayoutState, kind: PayoutKind = 'merchant', change: Partial<RecordedPayout> = {}): RecordedPayout => ({
  ...{ id: 'po_1', merchantId: 'mer_1', mode: 'test', kind, owner: { kind, id: kind === 'merchant' ? 'mer_1' : 'prv_1' } },
  ...{ currency: 'PKR', amountMinor: '100000', feeMinor: '0', reference: 'INV-1', description: null, metadata: {} },
  destination: { type: 'bank', bankCode: 'HBL', accountLast4: '0001', accountTitle: 'Ayesha Khan' },
  ...{
    psp: 'sandbox',
    pspReference: null,
    state,
    round: 1,
    attempt: 1,
    attemptsBefore: 0,
    attemptOpen: false,
    unproven: [],
    returns: 0,
  },
  ...{ sequence: 3, review: null, hold: null, failure: null, needsOperator: false, pausedBy: null, maxAttempts: 3 },
  ...{ dispatch: kind === 'merchant' ? 'now' : 'run', runId: null, method: null, risk: null },
  ...{ reviewUntil: null, nextAttemptAt: null, outcomeUntil: null, createdAt: CREATED, updatedAt: LATER, completedAt: null },
  ...change,
});

const step = (change: Partial<Step>): Step => ({ sequence: 1, type: 'x', at: LATER, from: null, to: 'x', data: {}, ...change });

const moved = (state: string): Step[] => [
  step({ type: 'payout.created', at: CREATED, to: 'QUEUED' }),
  step({ sequence: 2, type: 'payout.moved', from: 'QUEUED', to: state }),
];

const toldOfPayout = (record: RecordedPayout, steps = moved(record.state)): Told<RecordedPayout> => ({
  record,
  steps,
  money: [
    { ownerKind: 'merchant', ownerId: 'mer_1', purpose: 'reserved', amountMinor: '100000', currency: 'PKR' },
    { ownerKind: 'platform', ownerId: 'sandbox', purpose: 'clearing', amountMinor: '5', currency: 'PKR' },
  ],
  schedule,
});

const toldOfGame = (state: GameState, steps: Step[] = moved(state)): Told<GameRecord> => ({
  record: {
    ...{ id: 'gam_1', merchantId: 'mer_1', mode: 'test', type: 'andar_bahar', currency: 'INR', state, winner: 'andar' },
    ...{
      heldMinor: '0',
      voidReason: null,
      needsOperator: false,
      sequence: 2,
      createdAt: CREATED,
      completedAt: null,
      endedAt: null,
    },
  },
  steps,
  money: [],
  schedule,
});

const UNPLANNED: readonly ResolutionState[] = [
  'IN_REVIEW',
  'REJECTED',
  'DISPUTE_WINDOW',
  'DISPUTED',
  'PLANNING',
  'PLANNING_STOPPED',
  'WAITING_FOR_FUNDS',
];
const PLAN: NonNullable<ResolutionRecord['plan']> = {
  ...{ kind: 'shares', poolMinor: '1000', feeTotalMinor: '50', creatorFeeMinor: '20', houseFeeMinor: '30', netMinor: '950' },
  ...{ winStakeMinor: '500', users: 10, winners: 5, leftOverMinor: '1' },
};

const toldOfResolution = (
  state: ResolutionState,
  steps: Step[] = moved(state),
  change: Partial<ResolutionRecord> = {},
): Told<ResolutionRecord> => ({
  record: {
    ...{ id: 'res_1', marketId: 'mkt_1', merchantId: 'mer_1', mode: 'test', currency: 'PKR', run: 1, state, outcome: 'yes' },
    ...{ evidence: null, resolvedBy: 'adm_1', round: 1, planHash: 'f'.repeat(64), windowUntil: LATER },
    ...{ plan: UNPLANNED.includes(state) ? null : PLAN, paidUsers: 0, paidMinor: '0', undoneUsers: 0, undoneMinor: '0' },
    ...{ missingMinor: '0', reason: null, rolledBackBy: null, needsOperator: false, sequence: 2 },
    ...{ createdAt: CREATED, updatedAt: LATER, endedAt: null },
    ...change,
  },
  steps,
  money: [],
  schedule,
});

const distributionStep = (type: string, id = 'dis_1') => step({ type, data: { distributionId: id, userId: 'usr_1' } });
const withdrawal = (change: Partial<InstantPayoutRecord>): InstantPayoutRecord => ({
  ...{ id: 'ip_1', merchantId: 'mer_1', mode: 'test', userId: 'usr_1', reference: 'w', currency: 'INR', creditOn: 'proof' },
  ...{ totalMinor: '100', paidMinor: '0', remainingMinor: '100', returnedMinor: '0', handedMinor: '0', state: 'open' },
  ...{ payee: { type: 'upi', label: 'a' }, closing: null, onUnfilled: 'refund', receiptId: null, restPayoutId: null, utrs: [] },
  ...{ sequence: 2, createdAt: CREATED, updatedAt: LATER, completedAt: null },
  ...change,
});

const TOTALS = { totalMinor: '100', paidMinor: '0', remainingMinor: '100' };
const slice = (change: Partial<BatchRecord>): BatchRecord => ({
  ...{ id: 'ipb_1', instantPayoutId: 'ip_1', number: 1, mode: 'test', currency: 'INR', amountMinor: '100', state: 'unassigned' },
  ...{
    money: 'held',
    epoch: 0,
    reassignments: 0,
    payinId: null,
    payUntil: LATER,
    confirmUntil: LATER,
    utr: null,
    receiptId: null,
  },
  ...{ review: null, totals: TOTALS, sequence: 2, createdAt: CREATED, updatedAt: LATER, creditedAt: null, confirmedAt: null },
  ...change,
});

const payin = (change: Partial<PayinRecord>): PayinRecord => ({
  ...{ id: 'pin_1', merchantId: 'mer_1', mode: 'test', userId: 'usr_2', reference: 'p', currency: 'INR', amountMinor: '100' },
  ...{ state: 'waiting', batchId: null, epoch: null, payUntil: null, waitUntil: LATER, utr: null, receiptId: null, totals: null },
  ...{ sequence: 2, createdAt: CREATED, updatedAt: LATER, completedAt: null },
  ...change,
});

/** How each flow can stand in a state, by the kind of its subject: whoever adds a flow adds its line. */
const STANDS: Readonly<Record<string, (state: never) => readonly Told<never>[]>> = {
  payout: (state: PayoutState) =>
    PAYOUT_KIND_NAMES.flatMap((kind) => [
      toldOfPayout(payout(state, kind)),
      ...(state === 'QUEUED' || state === 'REJECTED' ? [toldOfPayout(payout(state, kind, { sequence: 0 }), [])] : []), // answered with 202
      toldOfPayout(payout(state, kind, { unproven: [1], needsOperator: true, attemptOpen: true })),
      toldOfPayout(payout(state, kind, { runId: 'run_1', outcomeUntil: LATER, nextAttemptAt: LATER, reviewUntil: LATER })),
      toldOfPayout(
        payout(state, kind, {
          hold: { reason: 'ask', source: 'operator' },
          failure: { code: 'x', message: 'y', retryable: true },
        }),
      ),
    ]) as unknown as readonly Told<never>[],
  resolution: (state: ResolutionState) =>
    [
      toldOfResolution(state),
      toldOfResolution(state, []),
      toldOfResolution(state, [...moved(state), distributionStep('resolution.disputed')], { missingMinor: '7', reason: 'no' }),
    ] as unknown as readonly Told<never>[],
  instant_payout: (state: InstantPayoutState) =>
    [
      withdrawal({ state }),
      withdrawal({ state, closing: 'cancelled' }),
      withdrawal({ state, onUnfilled: 'psp', restPayoutId: 'po_1' }),
    ].map(({ state: to, ...record }) => ({
      record: { state: to, ...record },
      steps: moved(to),
      money: [],
      schedule,
    })) as unknown as readonly Told<never>[],
  instant_batch: (state: BatchState) =>
    [slice({ state }), slice({ state, review: { reasons: [...REVIEW_REASONS], validatorId: 'adm_1' }, money: 'credited' })].map(
      (record) => ({
        ...{ record, money: [], schedule },
        steps: [
          step({ from: 'assigned', to: 'reassigned' }),
          step({ from: 'reassigned', to: state, data: { reason: 'nothing came' } }),
        ],
      }),
    ) as unknown as readonly Told<never>[],
  payin: (state: PayinState) =>
    [
      ...(state === 'waiting' || state === 'expired' ? [payin({ state })] : []),
      payin({ state, batchId: 'ipb_1', payUntil: LATER }),
    ].map((record) => ({ ...{ record, money: [], schedule }, steps: moved(state) })) as unknown as readonly Told<never>[],
  game: (state: GameState) => [toldOfGame(state), toldOfGame(state, [])] as unknown as readonly Told<never>[],
};

const ask = (flow: ExplainedFlow, told: Told<never>): Explanation => forOperators(flow.explain(told));

/** Every machine of the sources, with where it stands. */
async function machines(): Promise<{ readonly file: string; readonly machine: unknown }[]> {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join('src', file))
    .filter((file) => / = defineMachine\b/.test(readFileSync(file, 'utf8')));
  const found = await Promise.all(
    files.map(async (file) => {
      const exported = Object.values((await import(resolve(file))) as Record<string, unknown>);
      const all = exported.filter((each) => typeof each === 'object' && each !== null && 'edgeOf' in each && 'states' in each);
      return all.map((machine) => ({ file, machine }));
    }),
  );
  return found.flat();
}

test('no flow is without an explanation: each machine there is stands in the registry, and here with how it can stand', async () => {
  const all = await machines();
  expect(all.map(({ file }) => file)).toEqual(
    expect.arrayContaining(['src/payouts/rules/machine.ts', 'src/games/rules/machine.ts', 'src/markets/rules/machine.ts']),
  );
  expect(all.filter(({ machine }) => !EXPLAINED.some((flow) => flow.machine === machine)).map(({ file }) => file)).toEqual([]);
  expect(EXPLAINED.filter(({ subject }) => !STANDS[subject]).map(({ subject }) => subject)).toEqual([]);
});

const EVERY_STATE = EXPLAINED.flatMap((flow) =>
  Object.keys(flow.machine.states).map((state) => [flow.subject, state, flow] as const),
);

describe.each(EVERY_STATE)('a %s that is %s', (subject, state, flow) => {
  const stands = STANDS[subject]?.(state as never) ?? [];
  const explanations = stands.map((told) => ({ told, answer: ask(flow, told) }));

  test('says what it is, since when, and what it waits for: never that nobody knows', () => {
    expect(explanations.length).toBeGreaterThan(0);
    for (const { answer } of explanations) {
      expect(answer.state).toBe(state);
      expect(Number.isNaN(Date.parse(answer.since))).toBe(false);
      expect(answer.waitsFor.kind).toMatch(/^(person|psp|run|timer|nobody)$/);
      expect(answer.text.length).toBeGreaterThan(60);
      expect(answer.text).not.toMatch(/undefined|null|NaN|\[object|unknown state/);
      for (const { why, allowed } of answer.actions) expect(why === null).toBe(allowed);
    }
  });

  test('is never left to nobody while it is not over: a person may act, or something comes by itself', () => {
    const { final } = (flow.machine.states as Record<string, { final: boolean }>)[state] ?? { final: true };
    for (const { answer } of explanations) {
      const { waitsFor, next, actions } = answer;
      if (!final && waitsFor.kind === 'nobody') expect(next).not.toBeNull();
      if (waitsFor.kind === 'person') expect(actions.filter(({ allowed, by }) => allowed && by !== 'viewer')).not.toEqual([]);
    }
  });
});

describe('what each may do with a payout', () => {
  const person = Object.keys(FACTS).filter((fact) => FACTS[fact as FactType] === 'person') as FactType[];

  test('is what the machine has an edge for, and every word of a person has its action', () => {
    const actionOf = (fact: FactType) =>
      PAYOUT_ACTIONS.filter((each) => each.fact === (fact === 'resolved_not_paid' ? 'resolved_paid' : fact));
    for (const fact of person) expect([fact, actionOf(fact).length]).not.toEqual([fact, 0]);
    for (const state of PAYOUT.statesWhere(() => true)) {
      const { actions } = explainPayout(toldOfPayout(payout(state)));
      for (const fact of person) {
        for (const { action } of actionOf(fact)) {
          const found = actions.find((each) => each.action === action);
          expect([state, action, found?.allowed]).toEqual([state, action, edgeOf(state, fact) !== undefined]);
        }
      }
    }
  });

  test('names who may not, though their role may: the maker, and who has decided', () => {
    const review = { reasons: [], approvals: [{ adminId: 'adm_2', decision: 'approved', at: LATER }] };
    const beside = { attempts: [], debtMinor: '0', makerId: 'adm_1' };
    const { actions } = explainPayout(toldOfPayout(payout('IN_REVIEW', 'merchant', { review, beside })));
    const approve = actions.find(({ action }) => action === 'approve');
    expect(approve).toMatchObject({ allowed: true, by: 'approver' });
    expect(approve?.notBy.map(({ id }) => id)).toEqual(['adm_1', 'adm_2']);
  });

  test('is nothing that gives money away while an attempt may still be paid', () => {
    const { actions } = explainPayout(toldOfPayout(payout('ON_HOLD', 'merchant', { unproven: [1] })));
    const why = (name: string) => actions.find(({ action }) => action === name)?.why;
    for (const name of ['reject', 'cancel', 'acknowledge'])
      expect([name, why(name)]).toEqual([name, expect.stringMatching(/attempt 1 may/i)]);
    expect(why('release')).toBeNull();
  });
});

describe('what a payout waits for', () => {
  const explain = (record: RecordedPayout, steps?: Step[]) => explainPayout(toldOfPayout(record, steps));

  test('a provider’s approved payout waits for the run, and is told when that comes', () => {
    expect(explain(payout('QUEUED', 'provider')).waitsFor).toEqual({ kind: 'run', at: schedule.nextRunAt });
    expect(explain(payout('QUEUED', 'provider', { runId: 'run_1' })).waitsFor).toEqual({ kind: 'nobody' });
  });

  test('one that the PSP could not take waits longer each time', () => {
    const refused = [
      step({ to: 'QUEUED', at: CREATED }),
      step({ from: 'QUEUED', to: 'SUBMITTING' }),
      step({ from: 'SUBMITTING', to: 'QUEUED' }),
      step({ from: 'QUEUED', to: 'SUBMITTING' }),
      step({ from: 'SUBMITTING', to: 'QUEUED', type: 'payout.queued', data: { attempt: 1, reason: '429' } }),
    ];
    const { waitsFor, failures } = explain(payout('QUEUED', 'merchant', { attemptOpen: true }), refused);
    expect(waitsFor).toEqual({ kind: 'timer', until: '2026-11-30T09:12:00.000Z' }); // a minute doubled
    expect(failures.at(-1)).toMatchObject({ code: 'not_taken', message: '429', attempt: 1 });
  });

  test('a parked step waits for an operator, and is tried again by itself', () => {
    const parked = [
      ...moved('QUEUED'),
      step({ sequence: 3, type: 'payout.parked', from: 'QUEUED', to: 'QUEUED', data: { reason: 'no such PSP' } }),
    ];
    const at = new Date(Date.parse(LATER) + PARKED_MS).toISOString();
    const { is, waitsFor, next } = explain(payout('QUEUED'), parked);
    expect(is).toContain('no such PSP');
    expect([waitsFor, next?.at]).toEqual([{ kind: 'person', who: 'operator', until: at }, at]);
  });

  test('one that meets a pause is sent after it, which an operator can end', () => {
    for (const state of ['QUEUED', 'RETRY_WAIT'] as const) {
      const { is, waitsFor, next } = explain(payout(state, 'merchant', { pausedBy: 'pau_1' }));
      expect(is).toContain('a pause holds');
      expect([waitsFor, next?.at]).toEqual([{ kind: 'person', who: 'operator', until: null }, null]);
    }
    expect(explain(payout('UNKNOWN', 'merchant', { pausedBy: 'pau_1', unproven: [1] })).waitsFor.kind).toBe('psp'); // looked up all the same
  });

  test('one whose outcome nobody knows is looked up, until an operator is asked', () => {
    const until = '2026-11-30T11:00:00.000Z';
    const { waitsFor } = explain(payout('UNKNOWN', 'merchant', { unproven: [1], outcomeUntil: until }));
    expect(waitsFor).toMatchObject({ kind: 'psp', psp: 'sandbox', until, nextLookUpAt: '2026-11-30T09:10:10.000Z' });
  });

  test('look-ups come at the growing intervals of the schedule, and the next one is always ahead', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (afterMs) => {
        const at = nextLookUpMs(0, afterMs, times);
        expect(at).toBeGreaterThan(afterMs);
        expect(at - afterMs).toBeLessThanOrEqual(times.lookUpMaxMs);
        expect(nextLookUpMs(0, at - 1, times)).toBe(at); // nothing comes in between
      }),
    );
    const firstSeven = Array.from({ length: 6 }).reduce<number[]>(
      (sofar) => [...sofar, nextLookUpMs(0, sofar.at(-1) ?? 0, times)],
      [0],
    );
    expect(firstSeven.map((ms) => ms / 1_000)).toEqual([0, 10, 30, 70, 150, 310, 610]);
  });
});

test('a failure is told with what its class means, the newest last', () => {
  const failed = (sequence: number, name: string) =>
    step({
      sequence,
      from: 'SUBMITTING',
      to: 'RETRY_WAIT',
      data: { attempt: sequence, failure: { class: name, code: 'c', message: 'm' } },
    });
  const { failures } = explainPayout(
    toldOfPayout(payout('RETRY_WAIT'), [...moved('SUBMITTING'), failed(3, 'B'), failed(4, 'D')]),
  );
  expect(failures).toMatchObject([
    { attempt: 3, class: 'B', means: 'a temporary failure, certain' },
    { attempt: 4, class: 'D', means: 'our own funds or limits at the PSP are short' },
  ]);
});

test('whose it is learns nothing of ours: no role’s actions, no class, no account of the platform, its own word for the state', () => {
  const beside = { attempts: [], debtMinor: '0', makerId: 'adm_1' };
  const reasons = explainPayout(
    toldOfPayout(payout('IN_REVIEW', 'merchant', { beside }), [
      ...moved('SUBMITTING'),
      step({ sequence: 3, from: 'SUBMITTING', to: 'IN_REVIEW', data: { failure: { class: 'B', code: 'c', message: 'm' } } }),
    ]),
  );
  const answer = forOwner(reasons, 'merchant', 'IN_REVIEW');
  expect(answer.actions.map(({ action }) => action)).toEqual(['reinitiate', 'cancel']);
  expect(answer.failures.map((each) => each.class)).toEqual([null]);
  expect(JSON.stringify(answer)).not.toMatch(/adm_1|platform|clearing/);
});

describe('a game', () => {
  test('that nobody completes tells when operators hear of it, and after that no more', () => {
    const open = toldOfGame('OPEN');
    expect(explainGame(open).next?.at).toBe('2026-11-30T10:00:00.000Z');
    const late = { ...open, schedule: { ...schedule, nowMs: Date.parse('2026-11-30T11:00:00.000Z') } };
    expect(explainGame(late).next).toBeNull();
  });

  test('that a pause holds back says so, and who can end that; whose word it waits for all the same is not hidden by it', () => {
    for (const state of ['SETTLING', 'VOIDING'] as const) {
      const { is, waitsFor } = explainGame({ ...toldOfGame(state), isPaused: true });
      expect(is).toContain('while a pause holds');
      expect(waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
    }
    for (const state of ['OPEN', 'SETTLED', 'PARTLY_SETTLED'] as const)
      expect(explainGame({ ...toldOfGame(state), isPaused: true })).toEqual(explainGame(toldOfGame(state)));
  });

  test('that is overdue says what of: a report, or its own end', () => {
    const said = (state: 'OPEN' | 'SETTLING' | 'VOIDING') => {
      const steps = [step({ from: state, to: state, type: 'game.overdue' })];
      return explainGame(toldOfGame(state, steps)).failures.map(({ code, message }) => `${code}: ${message}`);
    };
    expect(said('OPEN')).toEqual(['overdue: nobody has said who won']);
    for (const state of ['SETTLING', 'VOIDING'] as const) expect(said(state)).toEqual(['overdue: it has not come to its end']);
  });

  test('settled in part says how many are left, and why', () => {
    const players = [
      { userId: 'usr_1', reason: 'user_frozen' },
      { userId: 'usr_2', reason: 'user_frozen' },
    ];
    const steps = [step({ from: 'SETTLING', to: 'PARTLY_SETTLED', type: 'game.partly_settled', data: { failed: 2, players } })];
    const { is, failures, actions, waitsFor } = explainGame(toldOfGame('PARTLY_SETTLED', steps));
    expect(is).toContain('2 could not be');
    expect(failures).toMatchObject([{ code: 'user_frozen', message: '2 players: user_frozen' }]);
    expect(waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
    expect(actions.filter(({ allowed }) => allowed).map(({ action }) => action)).toEqual(['retry', 'void', 'acknowledge']);
  });

  test('offers what its machine has an edge for', () => {
    for (const state of GAME.statesWhere(() => true)) {
      const { actions } = explainGame(toldOfGame(state));
      const allowed = (name: string) => actions.find(({ action }) => action === name)?.allowed;
      expect([state, allowed('complete'), allowed('retry'), allowed('void')]).toEqual([
        state,
        GAME.edgeOf(state, 'completed') !== undefined,
        GAME.edgeOf(state, 'retried') !== undefined,
        GAME.edgeOf(state, 'voided') !== undefined,
      ]);
    }
  });
});

describe('a market’s resolution', () => {
  const allowedIn = (told: Told<ResolutionRecord>) =>
    explainResolution(told)
      .actions.filter(({ allowed }) => allowed)
      .map(({ action }) => action);

  test('may be disputed until its window ends, and then goes on by itself', () => {
    const { waitsFor, next } = explainResolution(toldOfResolution('DISPUTE_WINDOW'));
    expect([waitsFor, next?.at]).toEqual([{ kind: 'timer', until: LATER }, LATER]);
    expect(allowedIn(toldOfResolution('DISPUTE_WINDOW'))).toEqual(['dispute', 'acknowledge']);
  });

  test('whose pool lacks money says how much, and who brings it', () => {
    const told = toldOfResolution('WAITING_FOR_FUNDS', [
      ...moved('PLANNING'),
      step({ from: 'PLANNING', to: 'WAITING_FOR_FUNDS', type: 'resolution.waiting_for_funds', data: { missingMinor: '12050' } }),
    ], { missingMinor: '11000' }); // biome-ignore format: one glance
    const { is, waitsFor, failures } = explainResolution(told);
    expect(is).toContain('lacks 110.00 PKR');
    expect(waitsFor).toEqual({ kind: 'person', who: 'merchant', until: null });
    expect(failures).toMatchObject([{ code: 'missing_funds', message: 'the pool lacked 120.50 PKR' }]);
    expect(allowedIn(told)).toEqual(['fund', 'acknowledge']);
  });

  test('is decided by anybody with the role but who said what came true', () => {
    for (const [state, actions] of [
      ['IN_REVIEW', ['approve', 'reject']],
      ['DISPUTED', ['uphold', 'overturn']],
      ['COMPLETED', ['rollback']],
    ] as const) {
      const all = explainResolution(toldOfResolution(state)).actions;
      for (const action of actions) {
        const found = all.find((each) => each.action === action);
        expect([action, found?.allowed, found?.by, found?.notBy.map(({ id }) => id)]).toEqual([
          action,
          true,
          'approver',
          ['adm_1'],
        ]);
      }
    }
  });

  test('that stopped says why: so many users for each reason, a fee that nobody can take, or what verification found', () => {
    const stopped = (data: Record<string, unknown>) =>
      explainResolution(
        toldOfResolution('PAYING_STOPPED', [step({ from: 'PAYING', to: 'PAYING_STOPPED', type: 'resolution.failed', data })]),
      );
    const ofUsers = stopped({ reason: 'users_failed', failed: { user_frozen: 2, balance_limit: 1 } });
    expect(ofUsers.failures.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'user_frozen: 2 users: user_frozen',
      'balance_limit: 1 user: balance_limit',
    ]);
    expect(ofUsers.is).toContain('users_failed');
    expect(ofUsers.waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
    const codes = ['creator_frozen', 'verification: missing_entry (1)', 'deadlock detected'].map(
      (reason) => stopped({ reason }).failures[0]?.code,
    );
    expect(codes).toEqual(['creator_frozen', 'verification_failed', 'internal_error']);
  });

  test('that could not be planned says that nobody was paid, and that an operator may try it again', () => {
    const data = { reason: 'the totals are others' };
    const told = toldOfResolution('PLANNING_STOPPED', [
      step({ from: 'PLANNING', to: 'PLANNING_STOPPED', type: 'resolution.failed', data }),
    ]);
    const { is, waitsFor, failures } = explainResolution(told);
    expect(is).toContain('could not be fixed (the totals are others): nobody was paid');
    expect(waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
    expect(failures.map(({ code }) => code)).toEqual(['internal_error']);
    expect(allowedIn(told)).toEqual(['retry', 'acknowledge']);
  });

  test('that a pause holds back says so, and who can end that; what people decide is not held', () => {
    const { is, waitsFor } = explainResolution({ ...toldOfResolution('PAYING'), isPaused: true });
    expect(is).toContain('while a pause holds');
    expect(waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
    const decided = toldOfResolution('DISPUTED');
    expect(explainResolution({ ...decided, isPaused: true })).toEqual(explainResolution(decided));
  });

  test('of which one user’s share is disputed waits for an approver until somebody has decided on it', () => {
    const disputed = [...moved('COMPLETED'), distributionStep('resolution.disputed')];
    const told = toldOfResolution('COMPLETED', disputed);
    expect(explainResolution(told).waitsFor).toEqual({ kind: 'person', who: 'approver', until: null });
    expect(allowedIn(told)).toEqual(expect.arrayContaining(['uphold_distribution', 'overturn_distribution', 'rollback']));
    const upheld = toldOfResolution('COMPLETED', [...disputed, distributionStep('resolution.upheld')]);
    expect(explainResolution(upheld).waitsFor).toEqual({ kind: 'nobody' });
    expect(allowedIn(upheld)).not.toContain('uphold_distribution');
  });

  test('tells where its money lies without a sum over a million entries: all of the pool, whatever it is at', () => {
    const lies = (told: Told<ResolutionRecord>) =>
      explainResolution(told).money.map(({ ownerKind, ownerId, amountMinor }) => [ownerKind, ownerId, amountMinor]);
    const paying = { paidUsers: 4, paidMinor: '400' };
    expect(lies(toldOfResolution('PAYING', moved('PAYING'), paying))).toEqual([['market', 'mkt_1', '600'], ['user', null, '400']]); // biome-ignore format: one glance
    const paid = { paidUsers: 10, paidMinor: '950' };
    expect(lies(toldOfResolution('COMPLETED', moved('COMPLETED'), paid))).toEqual([['merchant', 'mer_1', '30'], ['user', null, '970']]); // biome-ignore format: one glance
    const back = [...moved('COMPLETED'), step({ from: 'COMPLETED', to: 'ROLLING_BACK' })];
    const half = { ...paid, undoneUsers: 5, undoneMinor: '500', missingMinor: '100' };
    expect(lies(toldOfResolution('ROLLING_BACK', back, half))).toEqual([['market', 'mkt_1', '400'], ['merchant', 'mer_1', '30'], ['user', null, '470']]); // biome-ignore format: one glance
    expect(lies(toldOfResolution('DISPUTED'))).toEqual([]);
    expect(lies(toldOfResolution('ROLLED_BACK', back, { ...paid, undoneUsers: 10, undoneMinor: '950' }))).toEqual([]);
  });

  test('offers what its machine has an edge for', () => {
    const facts = { approve: 'approved', reject: 'rejected', uphold: 'upheld', overturn: 'overturned', rollback: 'rollback_asked', retry: 'retried' } as const; // biome-ignore format: one glance
    for (const state of RESOLUTION.statesWhere(() => true)) {
      const { actions } = explainResolution(toldOfResolution(state));
      for (const [action, fact] of Object.entries(facts)) {
        const allowed = actions.find((each) => each.action === action)?.allowed;
        expect([state, action, allowed]).toEqual([state, action, RESOLUTION.edgeOf(state, fact) !== undefined]);
      }
    }
  });
});

describe('a slice', () => {
  const explain = (change: Partial<BatchRecord>) => explainBatch({ record: slice(change), steps: [], money: [], schedule });

  test('offers what its machine has an edge for', () => {
    for (const state of Object.keys(BATCH_STATES) as BatchState[]) {
      const { actions } = explain({ state });
      const allowed = (name: string) => actions.find(({ action }) => action === name)?.allowed;
      expect([state, allowed('confirm'), allowed('approve'), allowed('reassign'), allowed('screenshot')]).toEqual([
        state,
        ...(['confirmed', 'approved', 'taken_back', 'proved'] as const).map((fact) => BATCH.edgeOf(state, fact) !== undefined),
      ]);
    }
  });

  test('in review says why, until the last word is said', () => {
    const review = { reasons: ['near_utr'], validatorId: null } as const;
    expect(explain({ state: 'proof_submitted', review }).failures).toMatchObject([{ code: 'near_utr' }]);
    expect(explain({ state: 'confirmed', review }).failures).toEqual([]);
  });

  test('that a pause keeps from everybody says so, and who can end that; whoever has it goes on', () => {
    const held = (state: BatchState) =>
      explainBatch({ record: slice({ state }), steps: [], money: [], schedule, isPaused: true });
    for (const state of ['unassigned', 'reassigned'] as const) {
      expect(held(state).is).toContain('while a pause holds');
      expect(held(state).waitsFor).toEqual({ kind: 'person', who: 'operator', until: null });
      expect(
        held(state)
          .actions.filter(({ allowed }) => allowed)
          .map(({ action }) => action),
      ).not.toContain('claim');
      expect(
        explain({ state })
          .actions.filter(({ allowed }) => allowed)
          .map(({ action }) => action),
      ).toContain('claim');
    }
    for (const state of ['assigned', 'sys_confirmed', 'disputed', 'confirmed'] as const)
      expect(held(state)).toEqual(explain({ state }));
  });
});

const OPERATOR = { kind: 'person', who: 'operator', until: null };

test('a withdrawal and a payin that no slice is given to while a pause holds say so, and who can end that; the others go on', () => {
  for (const isPaused of [false, true]) {
    const told = <Record>(record: Record) => ({ record, steps: [], money: [], schedule, isPaused });
    for (const state of Object.keys(INSTANT_PAYOUT.states) as InstantPayoutState[]) {
      const { is, waitsFor } = explainWithdrawal(told(withdrawal({ state })));
      const isHeld = isPaused && (state === 'open' || state === 'partially_paid');
      expect([state, is.includes('a pause holds'), isHeld && waitsFor]).toEqual([state, isHeld, isHeld && OPERATOR]);
    }
    expect(explainWithdrawal(told(withdrawal({ state: 'open', closing: 'cancelled' }))).is).not.toContain('a pause holds');
    for (const state of Object.keys(PAYIN.states) as PayinState[]) {
      const { is, waitsFor } = explainPayin(told(payin({ state })));
      const isHeld = isPaused && state === 'waiting';
      expect([state, is.includes('a pause holds'), isHeld && waitsFor]).toEqual([state, isHeld, isHeld && OPERATOR]);
    }
  }
});
