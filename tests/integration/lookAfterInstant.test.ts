/** Whoever said something of a withdrawal may have ended before its workflow was told: it is looked after. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createInstantActivities } from '../../activities/instant/look.ts';
import { createLookAfterInstantActivities } from '../../activities/instant/lookAfter.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { type InstantDoor, openInstantDoor } from '../support/instantDoor.ts';

let w: InstantDoor;
beforeAll(async () => {
  w = await openInstantDoor();
});
afterAll(async () => {
  expect((await checkInvariants(w.door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
});
afterAll(() => w.stop());

const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR', () => undefined) });

test('whose word to its workflow was lost is told again, whoever cannot be told', async () => {
  await w.door.db.owner.query('UPDATE instant_batches SET seen_over = true'); // what other tests have ended
  await w.door.db.owner.query('UPDATE instant_payouts SET seen_over = true');
  const { batches } = await w.open(['350', '360', '370', '365']);
  for (const batch of batches.slice(0, 3)) await w.claim(batch);
  const late = `now() - interval '2 minutes'`;
  const lateOne = batches[3] ?? ''; // that proof waits for an operator, and the slice for another payer
  const { payinId } = await w.claim(lateOne);
  await w.act(`/batches/${lateOne}/reassign`, {});
  await w.claim(lateOne);
  await w.prove(lateOne, { payinId });
  // Of nobody else's the time is over, however long the tests before took.
  for (const each of ['instant_batches', 'late_proofs'])
    await w.door.db.owner.query(`UPDATE ${each} SET validate_until = now() + interval '1 hour'`);
  await w.door.db.owner.query(`UPDATE late_proofs SET validate_until = ${late} WHERE payin_id = $1`, [payinId]);
  await w.door.db.owner.query(`UPDATE instant_batches SET pay_until = ${late} WHERE id = ANY ($1)`, [batches.slice(0, 3)]);
  const payer = await w.user('0', w.theirs.key);
  const waiting = await w.post(
    '/payins',
    { userId: payer, amount: '88888', currency: 'INR', reference: newId('pi') },
    w.theirs.key,
  );
  await w.door.db.owner.query(`UPDATE payins SET wait_until = ${late} WHERE id = $1`, [waiting.body.id]);
  const { id } = await w.open(['380']);
  await w.door.db.owner.query(
    `UPDATE instant_payouts SET created_at = now() - interval '2 days', updated_at = ${late} WHERE id = $1`,
    [id],
  );
  const heard: string[] = [];
  const tell = async (each: string) => {
    if (each === batches[0]) throw new Error('somebody else has its name');
    heard.push(each);
  };
  const { lookAfterInstantPayouts } = createLookAfterInstantActivities({
    pool: w.door.context.pool,
    instant: { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell },
    page: 1,
  });
  expect(await environment.run(lookAfterInstantPayouts)).toEqual({ batches: 3, payins: 1, withdrawals: 1 });
  expect(heard).toEqual([batches[1], batches[2], lateOne, waiting.body.id, id]);
});

test('a slice that ended, and its withdrawal, are told until their workflows have seen it: none stays open for hours after a lost word', async () => {
  const { id, payee, batches } = await w.open(['351']);
  const [batch = ''] = batches;
  await w.claim(batch);
  await w.prove(batch);
  expect((await w.confirm(batch, payee)).body.redirect).toBe(true);
  let heard: string[] = [];
  const tell = async (each: string) => {
    heard.push(each);
  };
  const instant = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  const { lookAfterInstantPayouts } = createLookAfterInstantActivities({ pool: w.door.context.pool, instant });
  const workflows = createInstantActivities({
    pool: w.door.context.pool,
    instant,
    handOver: () => Promise.reject(new Error('there is no rest')),
  });
  const heardBy = async (act: () => Promise<unknown>) => {
    heard = [];
    await act();
    return heard;
  };
  const lookAfter = async () =>
    (await heardBy(() => environment.run(lookAfterInstantPayouts))).filter((each) => each === batch || each === id);
  expect(await lookAfter()).toEqual([]); // their own workflows may be about to look
  await w.door.db.owner.query(`UPDATE instant_batches SET updated_at = updated_at - interval '2 minutes' WHERE id = $1`, [batch]);
  await w.door.db.owner.query(`UPDATE instant_payouts SET updated_at = updated_at - interval '2 minutes' WHERE id = $1`, [id]);
  expect(await lookAfter()).toEqual([batch, id]);
  expect(await lookAfter()).toEqual([batch, id]); // the word may be lost again
  expect(await heardBy(() => workflows.lookAtBatch({ batchId: batch }))).toEqual([id]);
  expect(await lookAfter()).toEqual([id]);
  await workflows.lookAtInstantPayout({ instantPayoutId: id });
  expect(await lookAfter()).toEqual([]);
});
