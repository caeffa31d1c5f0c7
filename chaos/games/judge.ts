/** The oracle's questions about a game: what its players and its bank have, and what they were told. */
import { patiently } from '../patience.ts';
import type { Made, Seen } from '../scenario.ts';
import type { Site } from '../site.ts';
import { webhookProblems } from '../webhooks.ts';
import { type GameBehaviour, type Outcome, outcomeOf, type Purse } from './behaviour.ts';
import { CURRENCY, type GameOrder, major } from './orders.ts';

interface Balance {
  readonly currency: string;
  readonly available: string;
  readonly locked: string;
  readonly debt: string;
}

/** As its owner reads it. */
export async function readPurse({ here }: Site, path: string, key: string): Promise<Omit<Balance, 'currency'>> {
  return await patiently(async () => {
    const { status, body } = await here.call<{ balances: Balance[] }>('GET', path, { key });
    if (status !== 200) throw new Error(`${path}: ${status}`);
    const found = body.balances.find(({ currency }) => currency === CURRENCY);
    return { available: found?.available ?? '0.00', locked: found?.locked ?? '0.00', debt: found?.debt ?? '0.00' };
  });
}

/** Who won, as its merchant reads it; null: it is void, or was never said. */
async function winnerOf({ here }: Site, { id, order }: Made<GameOrder>): Promise<string> {
  return await patiently(async () => {
    const { status, body } = await here.call<{ winner: string | null }>('GET', `${order.path}/${id}`, { key: order.key });
    if (status !== 200) throw new Error(`${id}: ${status}`);
    return body.winner ?? 'andar';
  });
}

export interface Judged {
  readonly outcome: Outcome;
  readonly problems: readonly string[];
}

export async function judgeGame(site: Site, made: Made<GameOrder>, seen: Seen | undefined): Promise<Judged> {
  const { order, ends } = made;
  const { behaviour, players } = order;
  const winner = await winnerOf(site, made);
  const outcome = outcomeOf(behaviour, ends, winner);
  const purses = await Promise.all(players.map((id) => readPurse(site, `/api/v1/users/${id}/balance`, order.key)));
  return {
    outcome,
    problems: [
      ...(behaviour.name === 'raced' || winner === 'andar' ? [] : [`${winner} has won, and nobody said so`]),
      ...players.flatMap((id, nth) => purseProblems(id, purses[nth], outcome.purses[nth])),
      ...operatorProblems(behaviour, ends, seen),
      ...(await toldProblems(site, made, outcome)),
    ],
  };
}

function purseProblems(id: string, has: Omit<Balance, 'currency'> | undefined, wanted: Purse | undefined): string[] {
  const line = ({ available, locked, debt }: Omit<Balance, 'currency'>) =>
    `${available} available, ${locked} locked, ${debt} owed`;
  if (!has || !wanted) return [`player ${id} has no purse`];
  const { available, locked, debt } = wanted;
  const should = line({ available: major(available), locked: major(locked), debt: major(debt) });
  return line(has) === should ? [] : [`player ${id} has ${line(has)}, not ${should}`];
}

/** Of one that was voided in time everything is over; the others say themselves. */
function operatorProblems({ ends: meant, needsOperator }: GameBehaviour, ends: string, seen: Seen | undefined): string[] {
  if (needsOperator === undefined || ends !== meant || seen?.needsOperator === needsOperator) return [];
  return [`needsOperator is ${seen?.needsOperator}`];
}

interface ToldRow {
  readonly id: string;
  readonly subject_id: string;
  readonly sequence: number;
  readonly type: string;
  readonly result: string;
  readonly amount: string;
}

/** Each player hears once what the game came to, and once more that it is void; whoever was not settled hears nothing. */
async function toldProblems(
  { books, server }: Site,
  { order, ends, id: gameId }: Made<GameOrder>,
  outcome: Outcome,
): Promise<string[]> {
  await patiently(async () => {
    if ((await books.pendingDeliveries(order.players)) > 0) throw new Error(`webhooks of players of ${gameId} are still to come`);
  }).catch(() => undefined); // said below, by what never came
  const rows = await books.rows<ToldRow>(
    `SELECT id, subject_id, sequence, type, object ->> 'result' AS result, object ->> 'amountMinor' AS amount
       FROM events WHERE subject_id = ANY ($1) AND type = 'game_complete' ORDER BY subject_id, sequence`,
    order.players,
  );
  return order.players.flatMap((id, nth) => {
    const told = rows.filter(({ subject_id }) => subject_id === id);
    const line = told.map(({ result, amount }) => `${result} ${amount}`).join(', ');
    const came = server.received.filter(({ payoutId }) => payoutId === id);
    const expected = expectedLines(outcome, ends, nth);
    return [
      ...(expected.includes(line)
        ? []
        : [`player ${id} was told ${line || 'nothing'}, not ${expected.join(' or ') || 'nothing'}`]),
      ...webhookProblems(told, came).map((what) => `of player ${id}: ${what}`),
    ];
  });
}

/** A void may come before a player was settled, or after. */
function expectedLines({ settled, stakes }: Outcome, ends: string, nth: number): readonly string[] {
  const of = settled[nth];
  const line = of ? `${of.result} ${of.amount}` : '';
  if (ends !== 'VOIDED') return [line];
  const push = `push ${stakes[nth]}`;
  return [push, `${line}, ${push}`];
}
