/** What chaos expects of a withdrawal is itself money: it must add up, or the oracle would ask for what cannot be. */
import { expect, test } from '@jest/globals';
import { BEHAVIOURS, outcomeOf, SPARE } from '../../chaos/instant/behaviour.ts';
import { startMerchantServer } from '../../chaos/merchantServer.ts';

const SLICES = [
  { minor: 12_345n, payerId: 'one' },
  { minor: 23_456n, payerId: 'two' },
];

test.each(BEHAVIOURS)('$name: what its payee came with is all there in the end, with somebody', (behaviour) => {
  const { payee, payers } = outcomeOf(behaviour, SLICES, 'late');
  const handed = SLICES.flatMap(({ minor }, nth) => (behaviour.fates[nth] === 'handed' ? [minor] : []));
  const spent = behaviour.isSpent ? [SLICES[0]?.minor ?? 0n] : [];
  const have = [payee.available, ...[...payers.values()].map(({ available }) => available), ...handed, ...spent];
  expect(have.reduce((sum, each) => sum + each)).toBe(SLICES.reduce((sum, { minor }) => sum + minor, SPARE));
});

test('a callback and an endpoint that hear of one event in different words are kept apart, or each would count as a changed repeat', async () => {
  const server = await startMerchantServer();
  try {
    const tell = (url: string, status: string) =>
      fetch(url, {
        method: 'POST',
        headers: { 'webhook-id': 'evt_1' },
        body: JSON.stringify({ type: 'payin-status-update', sequence: 2, data: { object: { id: 'pin_1', status } } }),
      });
    await tell(server.urlFor(13), 'completed');
    await tell(server.callbackUrlFor(13), 'success');
    const told = { id: 'evt_1', payoutId: 'pin_1', sequence: 2 };
    expect(server.received).toEqual([expect.objectContaining({ ...told, body: expect.stringContaining('completed') })]);
    expect(server.calledBack).toEqual([expect.objectContaining({ ...told, body: expect.stringContaining('success') })]);
  } finally {
    await server.close();
  }
});
