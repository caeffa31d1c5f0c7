/** Which fault strikes what, and what a transfer's fate is: the sandbox's pure rules. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { scriptOf, verdictOn } from '../../src/psp/sandbox/scenarios.ts';
import { tell, waitAfter } from '../../src/psp/sandbox/server.ts';
import type { Callback, WireDestination } from '../../src/psp/sandbox/wire.ts';
import { planCallbacks } from '../../src/psp/simulator/callbacks.ts';
import {
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  faultsIn,
  type Match,
  strike,
  strikeCallback,
  type Target,
} from '../../src/psp/simulator/faults.ts';
import { attemptOf, type Transfer } from '../../src/psp/simulator/transfer.ts';

const KINDS = Object.keys(FAULT_KINDS) as FaultKind[];
let ids = 0;
const fault = (kind: FaultKind, params: object = {}, match: Match = {}): Fault => {
  ids += 1;
  return { id: `flt_${ids}`, kind, match, params: FAULT_KINDS[kind].params.parse(params), times: null, timesLeft: null } as Fault;
};
const asked: Target = { type: 'ask', reference: 'po_1:1', accountNumber: '12345678900001', amount: '1500.00' };
const lookedUp: Target = { ...asked, type: 'lookUp' };
const struckBy = (active: Fault[], target: Target) => faultsIn(strike(active, target)).map(({ kind }) => kind);

test('only a delay, an outage, a rate limit and an asked-for error reach a look-up', () => {
  expect(KINDS.filter((kind) => struckBy([fault(kind)], lookedUp).length > 0).sort()).toEqual(['delay', 'down', 'rate_limit']);
  expect(struckBy([fault('error_before', { lookups: true })], lookedUp)).toEqual(['error_before']);
  expect(struckBy([fault('no_answer', { take: false })], lookedUp)).toEqual([]);
});

test('every kind strikes a request or a callback, never both', () => {
  for (const kind of KINDS) {
    const onRequest = struckBy([fault(kind)], asked).length;
    const onCallback = strikeCallback([fault(kind)], { ...asked, type: 'callback' }).length;
    expect([kind, onRequest + onCallback]).toEqual([kind, 1]);
  }
});

test('a request that is stopped at the door uses up no fault behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...KINDS)), (kinds) => {
      const { door, book, answer } = strike(
        kinds.map((kind) => fault(kind)),
        asked,
      );
      return door === null || (book === null && answer === null);
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

test('whatever faults bend the callbacks, only a forged one contradicts the book, and the truth is told unless it is silenced', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...KINDS)), (kinds) => {
      const active = kinds.map((kind) => fault(kind));
      const planned = planCallbacks({ tell }, paid, active).map(({ body, forged }) => ({ body: body as Callback, forged }));
      const lies = planned.filter(({ body }) => body.type === 'transfer.failed');
      expect(lies).toHaveLength(kinds.includes('forged_callback') && !kinds.includes('no_callback') ? 2 : 0);
      expect(planned.filter(({ forged }) => forged).every(({ body }) => body.type === 'transfer.failed')).toBe(true);
      expect(planned.some(({ body, forged }) => body.type === 'transfer.paid' && !forged)).toBe(!kinds.includes('no_callback'));
    }),
  );
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
