/** What of Temporal's errors means "ask again later", and what is a mistake of ours that must not be hidden behind it. */
import { expect, test } from '@jest/globals';
import { TemporalUnavailable, unavailableOr } from '../../src/temporal/client.ts';

/** As grpc-js throws it. */
const refusal = (code: number): Error => Object.assign(new Error(`code ${code}`), { code, details: 'why', metadata: {} });

test.each([
  ['UNKNOWN', 2],
  ['DEADLINE_EXCEEDED', 4],
  ['RESOURCE_EXHAUSTED', 8],
  ['FAILED_PRECONDITION', 9],
  ['ABORTED', 10],
  ['INTERNAL', 13],
  ['UNAVAILABLE', 14],
])('a merchant whose request met %s is told to come again, not that we are broken', (_, code) => {
  expect(unavailableOr(new Error('the SDK says', { cause: refusal(code) }))).toBeInstanceOf(TemporalUnavailable);
});

test.each([
  ['INVALID_ARGUMENT', 3],
  ['PERMISSION_DENIED', 7],
  ['UNIMPLEMENTED', 12],
])('%s is a mistake of ours, and stays one', (_, code) => {
  const error = refusal(code);
  expect(unavailableOr(error)).toBe(error);
});
