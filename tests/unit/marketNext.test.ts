/** What a resolution's workflow does next, in every state there is. */
import { expect, test } from '@jest/globals';
import { currentDetails } from '../../src/markets/rules/currentDetails.ts';
import { isPausable, RESOLUTION_STATES, type ResolutionState, STATES } from '../../src/markets/rules/machine.ts';
import { type Next, next } from '../../src/markets/rules/next.ts';

const FUNDS_MS = 30_000;
const after = (state: ResolutionState, windowLeftMs: number | null = null, isPaused = false): Next =>
  next({ state, windowLeftMs, isPaused }, FUNDS_MS);

test.each<[ResolutionState, object]>([
  ['IN_REVIEW', { do: 'look', afterMs: null }],
  ['DISPUTED', { do: 'look', afterMs: null }],
  ['PLANNING', { do: 'plan', afterMs: 0 }],
  ['WAITING_FOR_FUNDS', { do: 'cover', afterMs: FUNDS_MS }],
  ['PAYING', { do: 'pay', afterMs: 0 }],
  ['ROLLING_BACK', { do: 'rollBack', afterMs: 0 }],
  ['PLANNING_STOPPED', { do: 'end' }],
  ['PAYING_STOPPED', { do: 'end' }],
  ['ROLLING_BACK_STOPPED', { do: 'end' }],
  ['COMPLETED', { do: 'end' }],
  ['REJECTED', { do: 'end' }],
  ['ROLLED_BACK', { do: 'end' }],
])('in %s it does what is next, or a market would stand still with its winners waiting', (state, expected) => {
  expect(after(state)).toMatchObject(expected);
});

test('nobody is planned to be paid before the last second in which a participant may say no', () => {
  expect(after('DISPUTE_WINDOW', 86_400_000)).toMatchObject({ do: 'endWindow', afterMs: 86_400_000 });
  expect(after('DISPUTE_WINDOW', 0)).toMatchObject({ do: 'endWindow', afterMs: 0 });
});

test('a workflow ends where nothing is left to be done without a person who begins it again, and nowhere else', () => {
  const ends = RESOLUTION_STATES.filter((state) => after(state).do === 'end');
  expect(ends).toEqual(RESOLUTION_STATES.filter((state) => STATES[state].final || STATES[state].stopped));
});

test('under a pause no workflow moves money or keeps asking, and people’s decisions, disputes and windows go on', () => {
  const held = RESOLUTION_STATES.filter(isPausable);
  expect(held).toEqual(['PLANNING', 'WAITING_FOR_FUNDS', 'PAYING', 'ROLLING_BACK']);
  for (const state of RESOLUTION_STATES)
    expect([state, after(state, 5, true)]).toEqual([state, held.includes(state) ? { do: 'end' } : after(state, 5)]);
});

test('an operator reads in the Temporal UI how far it is, what it waits for, and why it has stopped', () => {
  const stopped = {
    id: 'res_1',
    state: 'PAYING_STOPPED' as const,
    outcome: 'yes',
    sequence: 9,
    needsOperator: true,
    reason: 'verification: wrong_entry (1)',
    windowLeftMs: null,
    isPaused: true,
    users: 1_000,
    paidUsers: 400,
    undoneUsers: 0,
  };
  const text = currentDetails(stopped);
  for (const part of ['PAYING_STOPPED', '`yes`', '400 of 1000 users', 'an operator to retry it', 'wrong_entry'])
    expect(text).toContain(part);
  expect(text).not.toContain('paused'); // it waits for the operator
  expect(currentDetails({ ...stopped, state: 'PAYING' })).toContain('paused');
});
