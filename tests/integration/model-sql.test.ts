/**
 * The model explores the pure twin of the ledger's door (`tell`). Here random walks of the model tell the real door the
 * same facts under the same step keys: the answers, the payout and its attempts must be the same, or the proof would be about
 * something else. `npm run model -- --walks 10000` walks longer.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bounds } from '../../model/bounds.ts';
import type { Telling } from '../../model/door.ts';
import { WALKS } from '../../model/plans.ts';
import { TODAY } from '../../model/rules.ts';
import { storyOf } from '../../model/story.ts';
import { type Stride, walk } from '../../model/walk.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';

const COUNT = Number.parseInt(process.env['MODEL_WALKS'] ?? '300', 10);
const SEED = Number.parseInt(process.env['MODEL_SEED'] ?? '1', 10);
/** Most walks have come to their end by then. */
const DEEDS_MAX = 60;
/** Callers at a time: the database is what takes the time. */
const LANES = 4;

let books: Books;
let owner: Owner;
beforeAll(async () => {
  books = await openBooks();
  owner = await books.merchant(10n ** 15n);
});
afterAll(async () => {
  await books.stop();
});

const payoutFor = ({ start, attempts }: Bounds): Promise<string> =>
  books.payout(owner, {
    amount: 1000n,
    fee: 10n,
    maxAttempts: attempts,
    reviewReasons: start.state === 'IN_REVIEW' ? [{ code: 'amount', detail: 'large' }] : [],
    ...(start.run === 'awaited' ? { dispatch: 'run' as const } : {}),
  });

/** As the ledger is told it. */
function tellReally(id: string, { fact, key }: Telling) {
  const { type, named, implied, ...data } = fact;
  return books.tell(id, type, {
    key,
    ...data,
    ...(named ? { pspRef: `${id}-${fact.attempt}` } : {}),
    ...(implied ? { implied: true as const } : {}),
    ...(type === 'dispatched' ? { runId: 'run_1' } : {}),
    ...(type === 'routed' ? { psp: `psp of ${key}` } : {}),
  });
}

/** The messages that the model has stored: the door reads them before it lets a new key exist. */
async function storeMessages(id: string, messages: Stride['messages']): Promise<void> {
  await books.db.owner.query('DELETE FROM psp_messages WHERE payout_id = $1', [id]);
  for (const [index, { attempt, claim, isContradicted }] of messages.entries()) {
    await books.db.owner.query(
      `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body, state)
       VALUES ($1, 'sandbox', $1, $2, $3, $4, '{}', $5)`,
      [`${id}_${index}`, id, attempt, claim, isContradicted ? 'ignored' : 'received'],
    );
  }
}

async function walkOnce(seed: number): Promise<number> {
  const bounds = WALKS[seed % WALKS.length];
  if (!bounds) return 0;
  const id = await payoutFor(bounds);
  const strides = walk(bounds, TODAY, seed, DEEDS_MAX);
  let told = 0;
  for (const [index, { deed, books: expected, messages }] of strides.entries()) {
    if (!deed.told) continue;
    await storeMessages(id, messages);
    const answer = await tellReally(id, deed.told);
    const after = deed.also ? await tellReally(id, deed.also) : answer;
    const { state, sequence, round, returns, needsOperator, unproven } = after.payout;
    const story = () =>
      storyOf({ what: `walk ${seed} in "${bounds.name}"`, deeds: strides.slice(0, index + 1).map((each) => each.deed) });
    const real = { outcome: answer.outcome, state, sequence, round, returns, needsOperator };
    const modelled = {
      outcome: deed.outcome,
      state: expected.state,
      sequence: expected.sequence,
      round: expected.round,
      returns: expected.returns,
      needsOperator: expected.needsOperator,
    };
    if (JSON.stringify(real) !== JSON.stringify(modelled))
      expect({ story: story(), ...real }).toEqual({ story: '', ...modelled });
    expect(Array.isArray(unproven)).toBe(true);
    told += 1;
  }
  const { rows } = await books.db.owner.query(
    `SELECT state, proof, psp_ref IS NOT NULL AS named, unknown_at AS "unknownAt", told_at AS "toldAt", sends > 0 AS "isSent"
       FROM payout_attempts WHERE payout_id = $1 ORDER BY attempt`,
    [id],
  );
  expect({ seed, rows }).toEqual({ seed, rows: strides.at(-1)?.books.attempts ?? [] });
  return told;
}

test(
  `${COUNT} random walks of the model drive the real ledger, and it answers as the model does`,
  async () => {
    let next = SEED;
    const counts: number[] = [];
    const lane = async (): Promise<void> => {
      for (let seed = next++; seed < SEED + COUNT; seed = next++) counts.push(await walkOnce(seed));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const told = counts.reduce((sum, each) => sum + each, 0);
    expect(told).toBeGreaterThan(COUNT);
    if (process.env['MODEL_WALKS']) console.log(`${COUNT} walks from seed ${SEED}, ${told} facts told: model and ledger agree`);
    // Where the PSP lied, two payments are out, and the books can only report it.
    expect((await books.broken()).filter((name) => name !== 'payouts_paid_by_one_attempt')).toEqual([]);
  },
  60_000 + COUNT * 1_000,
);
