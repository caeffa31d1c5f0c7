/** One withdrawal as an operator must see it to decide: whoever had a slice, what they showed, what the bank says, now and then. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { screenshot } from '../../harness/screenshots.ts';
import { newUtr } from '../support/instant.ts';
import { type InstantDoor, openInstantDoor } from '../support/instantDoor.ts';

let w: InstantDoor;
let bank: string;
beforeAll(async () => {
  w = await openInstantDoor();
  bank = await w.door.key(w.ours.id, { scopes: ['bank-credits:write'] });
});
afterAll(() => w.stop());

/** A time after which nothing of what was done has happened, and before which nothing of what comes: the books' own clock. */
async function momentNow(): Promise<string> {
  const { rows } = await w.door.db.owner.query<{ at: Date }>(
    `SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS at`,
  );
  const at = rows[0]?.at ?? new Date();
  for (let isPast = false; !isPast; ) {
    const { rows: now } = await w.door.db.owner.query<{ past: boolean }>(
      `SELECT clock_timestamp() > $1::timestamptz + interval '2 milliseconds' AS past`,
      [at],
    );
    isPast = now[0]?.past === true && Date.now() > at.getTime();
  }
  return at.toISOString();
}

const told = (utr: string, amount: string) =>
  w.door.call('POST', '/api/v1/instant-payouts/bank-credits', {
    key: bank,
    body: { utr, amount, creditedAt: '2026-11-29T22:00:00.000Z' },
  });

test('as it was: each answer that an operator or the payee’s merchant got is got again with its time, whatever came after', async () => {
  const { id, batches } = await w.open(['500', '600']);
  const [one = '', two = ''] = batches;
  const [first, second, third] = [newUtr(), newUtr(), newUtr()];
  let late = '';
  const story: readonly (readonly [what: string, step: () => Promise<unknown>])[] = [
    ['opened', async () => undefined],
    [
      'claimed',
      async () => {
        late = (await w.claim(one)).payinId;
      },
    ],
    ['taken back', () => w.act(`/batches/${one}/reassign`, {})],
    ['claimed by another', () => w.claim(one)],
    ['proved', () => w.prove(one, { utr: first })],
    ['proved late by the first', () => w.prove(one, { utr: second, payinId: late })],
    ['told by the bank of another amount: disputed', () => told(first, '501')],
    ['the late one is refused', () => w.act(`/late-proofs/${late}`, { decision: 'reject', note: 'another slice’s' })],
    ['the other slice is claimed and proved', async () => void [await w.claim(two), await w.prove(two, { utr: third })]],
    ['and confirmed by the bank', () => told(third, '600')],
    ['the dispute is decided', () => w.act(`/disputes/${one}`, { decision: 'approve', note: 'the bank was wrong' })],
  ];
  const own = async (query = '') => (await w.door.call('GET', `/api/v1/instant-payouts/${id}${query}`, { key: w.ours.key })).body;
  const given: { readonly what: string; readonly at: string; readonly body: unknown; readonly seen: unknown }[] = [];
  for (const [what, step] of story) {
    await step();
    const at = await momentNow();
    given.push({ what, at, body: (await w.look(`/${id}`)).body, seen: await own() });
  }
  for (const { what, at, body, seen } of given) {
    expect([what, (await w.look(`/${id}?at=${at}`)).body]).toEqual([what, body]);
    expect([what, await own(`?at=${at}`)]).toEqual([what, seen]);
  }
  expect(new Set(given.map(({ body }) => JSON.stringify(body))).size).toBe(story.length);
  const before = `/${id}?at=2020-01-01T00:00:00Z`;
  expect((await w.look(before)).status).toBe(404);
  for (const key of [w.ours.key, w.theirs.key])
    expect((await w.door.call('GET', `/api/v1/instant-payouts${before}`, { key })).status).toBe(404);
  const theirs = `/api/v1/instant-payouts/${id}?at=${given.at(-1)?.at}`;
  expect((await w.door.call('GET', theirs, { key: w.theirs.key })).status).toBe(404);

  const { batches: shown, timeline } = (await w.look(`/${id}`)).body;
  expect(shown[0]).toMatchObject({
    status: 'admin_approved',
    money: 'credited',
    turns: [
      {
        number: 1,
        payin: { id: late, merchantId: w.theirs.id },
        proof: { utr: second, late: true },
        lateCase: { decision: 'reject' },
      },
      { number: 2, payin: { status: 'success' }, proof: { utr: first, late: false }, lateCase: null },
    ],
    bankCredits: [{ utr: first, status: 'differs', amount: '501.00' }],
    dispute: { reason: 'amount_differs', openedBy: `bank:${w.ours.id}`, decision: 'approve' },
    temporalUi: expect.stringContaining(encodeURIComponent(`instant-batch/${one}`)),
  });
  expect(new Set(timeline.map((step: { subject: { kind: string } }) => step.subject.kind))).toEqual(
    new Set(['instant_payout', 'instant_batch', 'payin']),
  );
});

test('who decides of a late proof sees the image of that very payin, and not the one that another showed since', async () => {
  const [batch = ''] = (await w.open(['510'])).batches;
  const { payinId: late } = await w.claim(batch);
  await w.act(`/batches/${batch}/reassign`, {});
  const { payinId: current } = await w.claim(batch);
  await w.prove(batch, { image: await screenshot() });
  await w.prove(batch, { image: await screenshot(), payinId: late });
  const imageOf = async (query: string) => {
    const reply = await w.door.app.inject({
      url: `/api/admin/instant-payouts/batches/${batch}/proof${query}`,
      headers: { 'x-api-key': w.keys.viewer },
    });
    return [reply.statusCode, reply.rawPayload.toString('base64')] as const;
  };
  const [newest, ofCurrent, ofLate] = [
    await imageOf(''),
    await imageOf(`?payinId=${current}`),
    await imageOf(`?payinId=${late}`),
  ];
  expect(newest[0]).toBe(200);
  expect(ofCurrent).toEqual(newest);
  expect(ofLate[0]).toBe(200);
  expect(ofLate[1]).not.toBe(newest[1]);
  expect((await imageOf('?payinId=pin_1'))[0]).toBe(404);
  expect((await w.look('/late-proofs')).body.data).toEqual([
    expect.objectContaining({ batchId: batch, instantPayoutId: expect.stringMatching(/^ip_/) }),
  ]);
});

test('a withdrawal is found by its state, merchant, reference, a UTR that was shown, a slice or a payin; together they narrow', async () => {
  const { id, reference, batches } = await w.open(['520']);
  const [batch = ''] = batches;
  const utr = newUtr();
  const { payinId } = await w.claim(batch);
  await w.prove(batch, { utr });
  const found = async (query: Readonly<Record<string, string>>) => {
    const { body } = await w.look(`?${new URLSearchParams({ ...query, limit: '100' })}`);
    return body.data.map((each: { id: string }) => each.id);
  };
  for (const query of [{ reference }, { utr }, { batchId: batch }, { payinId }, { reference, utr, status: 'partially_paid' }])
    expect([query, await found(query)]).toEqual([query, [id]]);
  for (const query of [
    { status: 'partially_paid' },
    { merchantId: w.ours.id },
    { merchantId: w.ours.id, status: 'partially_paid' },
  ])
    expect([query, (await found(query)).includes(id)]).toEqual([query, true]);
  for (const query of [
    { reference, status: 'open' },
    { reference, utr: newUtr() },
    { utr, merchantId: w.theirs.id },
    { merchantId: 'mer_1' },
  ])
    expect([query, await found(query)]).toEqual([query, []]);
  const all = await found({});
  expect(all).toEqual([...all].sort().reverse());
});
