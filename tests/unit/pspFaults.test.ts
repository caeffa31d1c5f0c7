/** Which fault strikes what, and what a transfer's fate is: the sandbox's pure rules. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { scriptOf, verdictOn } from '../../src/psp/sandbox/scenarios.ts';
import { tell, waitAfter } from '../../src/psp/sandbox/server.ts';
import type { Callback, WireDestination } from '../../src/psp/sandbox/wire.ts';
import { planCallbacks } from '../../src/psp/simulator/callbacks.ts';
import {
  type AgedTarget,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  type FaultOf,
  faultsIn,
  type Match,
  strike,
  strikeCallback,
  timesOf,
  wordOf,
} from '../../src/psp/simulator/faults.ts';
import { attemptOf, paidTwiceOver, type Transfer } from '../../src/psp/simulator/transfer.ts';

const KINDS = Object.keys(FAULT_KINDS) as FaultKind[];
let ids = 0;
const fault = (kind: FaultKind, params: object = {}, match: Match = {}): Fault => {
  ids += 1;
  const given = kind === 'contradicts' ? { words: ['failed'], ...params } : params;
  return { id: `flt_${ids}`, kind, match, params: FAULT_KINDS[kind].params.parse(given), times: null, timesLeft: null } as Fault;
};
const asked: AgedTarget = {
  type: 'ask',
  reference: 'po_1:1',
  accountNumber: '12345678900001',
  amount: '1500.00',
  ageMs: null,
};
const askedAgain: AgedTarget = { ...asked, ageMs: 20 };
const lookedUp: AgedTarget = { ...askedAgain, type: 'lookUp' };
const lookedUpInVain: AgedTarget = { ...lookedUp, ageMs: null };
const struckBy = (active: Fault[], target: AgedTarget) => faultsIn(strike(active, target)).map(({ kind }) => kind);
const reaching = (target: AgedTarget) => KINDS.filter((kind) => struckBy([fault(kind)], target).length > 0).sort();

test('of the faults between customer and PSP few reach a look-up, besides those made for look-ups', () => {
  const always = ['delay', 'down', 'informational', 'nul_text', 'rate_limit'];
  expect(reaching({ ...lookedUp, type: 'other' })).toEqual(always);
  expect(reaching(lookedUpInVain)).toEqual(always);
  expect(reaching(lookedUp)).toEqual([...always, 'contradicts', 'lagging_look_up'].sort());
  expect(struckBy([fault('error_before', { lookups: true })], lookedUp)).toEqual(['error_before']);
  expect(struckBy([fault('no_answer', { take: false })], lookedUp)).toEqual([]);
});

test('each kind strikes a request, a look-up or a callback, and only its text comes in all of them', () => {
  for (const kind of KINDS) {
    const isSeen = [
      struckBy([fault(kind)], askedAgain).length > 0 || struckBy([fault(kind)], lookedUp).length > 0,
      strikeCallback([fault(kind)], { ...asked, type: 'callback' }).length > 0,
    ];
    expect([kind, isSeen.filter(Boolean).length]).toEqual([kind, kind === 'nul_text' ? 2 : 1]);
  }
});

test('a resend is refused only where the book has its reference: the first request is taken', () => {
  expect(struckBy([fault('refuse_resend')], asked)).toEqual([]);
  expect(struckBy([fault('refuse_resend')], askedAgain)).toEqual(['refuse_resend']);
});

test('an index lags for as long as was said, and for ever where nothing was', () => {
  const lag = fault('lagging_look_up', { ms: 1000 });
  const at = (ageMs: number) => struckBy([lag], { ...lookedUp, ageMs });
  expect([at(0), at(999.9), at(1000)]).toEqual([['lagging_look_up'], ['lagging_look_up'], []]);
  expect(struckBy([fault('lagging_look_up')], { ...lookedUp, ageMs: 3_600_000 })).toEqual(['lagging_look_up']);
});

test('it contradicts itself word after word, as often as it has words unless told otherwise', () => {
  const params = { words: ['failed', 'held', 'failed'] };
  const times = timesOf('contradicts', params) ?? 0;
  const said = (timesLeft: number) => wordOf({ ...(fault('contradicts', params) as FaultOf<'contradicts'>), times, timesLeft });
  expect([times, said(3), said(2), said(1)]).toEqual([3, 'failed', 'held', 'failed']);
  const forLong = { ...(fault('contradicts', params) as FaultOf<'contradicts'>), times: 9 };
  expect([9, 8, 7, 6, 1].map((timesLeft) => wordOf({ ...forLong, timesLeft }))).toEqual([
    'failed',
    'held',
    'failed',
    'failed',
    'failed',
  ]);
  expect(KINDS.filter((kind) => timesOf(kind, {}) !== null)).toEqual([]);
});

test('what the bank sends back and pays again was paid first; what is never paid has no such fate', () => {
  const paidAtOnce = scriptOf('12340001', 'po_1:1');
  const again = [
    { status: 'returned', reason: 'why', afterMs: 70 },
    { status: 'paid', reason: null, afterMs: 70 },
  ];
  expect(paidTwiceOver(paidAtOnce, 'why', 70)).toEqual({ ...paidAtOnce, later: again });
  const paidLater = { ...paidAtOnce, status: 'queued', later: [{ status: 'paid', reason: null, afterMs: 5 }] } as const;
  expect(paidTwiceOver(paidLater, 'why', 70)).toEqual({ ...paidLater, later: [...paidLater.later, ...again] });
  const failed = scriptOf('12340003', 'po_1:1');
  expect(paidTwiceOver(failed, 'why', 70)).toEqual(failed);
});

test('a request that is stopped at the door uses up no fault behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KINDS)), (kinds) => {
      const { door, amount, fate, answer, pauses } = strike(
        kinds.map((kind) => fault(kind)),
        askedAgain,
      );
      return door === null || (amount === null && fate === null && answer === null && pauses.length === 0);
    }),
  );
});

test.each<[Match, boolean]>([
  [{}, true],
  [{ reference: 'po_1' }, true],
  [{ reference: 'po_2' }, false],
  [{ accountNumber: '12345678900001' }, true],
  [{ accountNumber: '0001' }, false],
  [{ amount: '1500' }, true],
  [{ amount: '1500.0' }, true],
  [{ amount: '150.000' }, false],
  [{ amount: '1500', reference: 'po_2' }, false],
])('a fault matching %j', (match, strikes) => {
  expect(struckBy([fault('down', {}, match)], asked)).toEqual(strikes ? ['down'] : []);
});

const paid: Transfer<WireDestination> = {
  id: 'sbt_1',
  seq: '1',
  reference: 'po_1:1',
  status: 'paid',
  reason: null,
  amount: '1500.00',
  fee: '0',
  currency: 'PKR',
  narration: null,
  destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: null },
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

test('whatever faults bend the callbacks, only one that is told to contradicts the book, and the truth is told unless it is silenced', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...KINDS)), (kinds) => {
      const active = strikeCallback(
        kinds.map((kind) => fault(kind)),
        { ...asked, type: 'callback' },
      );
      const planned = planCallbacks({ tell }, paid, active).map(({ body, forged }) => ({ body: body as Callback, forged }));
      const lies = planned.filter(({ body }) => body.type === 'transfer.failed');
      expect(lies).toHaveLength(kinds.includes('forged_callback') && !kinds.includes('no_callback') ? 2 : 0);
      expect(planned.filter(({ forged }) => forged).every(({ body }) => body.type === 'transfer.failed')).toBe(true);
      expect(planned.some(({ body, forged }) => body.type === 'transfer.paid' && !forged)).toBe(!kinds.includes('no_callback'));
    }),
  );
});

test('a callback that contradicts the book says its word instead of the truth, and NUL goes into any text', () => {
  const lie = fault('contradicts', { words: ['returned'], reason: 'so', callbacks: true });
  const [told, ...more] = planCallbacks({ tell }, paid, [{ ...lie, times: 1, timesLeft: 1 } as Fault]);
  expect(more).toEqual([]);
  expect(told).toMatchObject({ forged: false, body: { type: 'transfer.returned', data: { status: 'returned', reason: 'so' } } });
  const [garbled] = planCallbacks({ tell }, { ...paid, status: 'held', reason: 'check' }, [fault('nul_text')]);
  expect(garbled?.body).toMatchObject({ type: 'transfer.held', data: { reason: 'check\u0000\ud800', status: 'held' } });
});

test('the wait between two tries of a callback grows to half a minute and no further', () => {
  const waits = Array.from({ length: 3000 }, (_, index) => waitAfter(index + 1));
  expect(waits.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
  expect(Math.max(...waits)).toBe(30_000);
});

test.each([
  ['po_1:1', 1],
  ['po_1:2', 2],
  ['po_1:10', 10],
  ['po_1', 1],
  ['po_1:0', 1],
  ['po_1:two', 1],
  ['', 1],
])('the attempt in the reference %j is %d', (reference, attempt) => {
  expect(attemptOf(reference)).toBe(attempt);
});

test('an account has the same fate and the same owner each time', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9]{4,16}$/), (accountNumber) => {
      expect(scriptOf(accountNumber, 'po_1:1')).toEqual(scriptOf(accountNumber, 'po_1:1'));
      expect(verdictOn(accountNumber)).toEqual(verdictOn(accountNumber));
      expect(verdictOn(accountNumber).valid).toBe(verdictOn(accountNumber).accountTitle !== null);
    }),
  );
});
