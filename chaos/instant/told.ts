/** What merchants heard of a withdrawal and of its payins: at callbacks each end once, in order; at the payers' endpoint every step. */
import { PAYIN_STATES } from '../../src/instant/rules/payinMachine.ts';
import { patiently } from '../patience.ts';
import type { Made } from '../scenario.ts';
import type { Site } from '../site.ts';
import { webhookProblems } from '../webhooks.ts';
import type { SliceFate, WithdrawalEnd } from './behaviour.ts';
import type { InstantOrder } from './orders.ts';

interface ToldRow {
  readonly id: string;
  readonly subjectId: string;
  /** Whether its callback is to hear of it. */
  readonly isEnd: boolean;
}

interface PayinRow {
  readonly id: string;
  readonly payerId: string;
  /** Which slice it has, from 1; null: none any more. */
  readonly has: number | null;
}

export async function toldProblems({ books, server }: Site, { id, order, ends }: Made<InstantOrder>): Promise<string[]> {
  const payins = await books.rows<PayinRow & Record<string, unknown>>(PAYINS, order.payers);
  const subjects = [id, ...payins.map((payin) => payin.id)];
  await patiently(async () => {
    if ((await books.pendingDeliveries(subjects)) > 0) throw new Error(`callbacks of ${id} are still to come`);
  }).catch(() => undefined); // said below, by what never came
  const told = await books.rows<ToldRow & Record<string, unknown>>(TOLD, subjects, FINAL_PAYINS, ends);
  const of = (subject: string) => told.filter(({ subjectId }) => subjectId === subject);
  const came = (list: typeof server.received, subject: string) => list.filter(({ payoutId }) => payoutId === subject);
  const wordsOf = (subject: string): string[] => {
    const bodies = new Map(came(server.calledBack, subject).map((each) => [each.id, each.body]));
    return of(subject).flatMap((each) => (each.isEnd ? [wordOf(bodies.get(each.id))] : []));
  };
  return [
    ...subjects.flatMap((subject) => {
      const events = of(subject).filter(({ isEnd }) => isEnd);
      return webhookProblems(events, came(server.calledBack, subject)).map((what) => `callback of ${subject}: ${what}`);
    }),
    ...payins.flatMap((payin) =>
      webhookProblems(of(payin.id), came(server.received, payin.id)).map((what) => `webhooks of ${payin.id}: ${what}`),
    ),
    ...differing('its callback', wordsOf(id), [WITHDRAWAL_WORDS[ends as WithdrawalEnd]]),
    ...payins.flatMap((payin) => {
      const words = wordsOf(payin.id);
      const should = payinWords(order, payin);
      // Whose time was over has heard that first, and may be honoured all the same.
      const [first, ...after] = words;
      return differing(`payin ${payin.id}`, first === 'expired' && should[0] !== 'expired' ? after : words, should);
    }),
  ];
}

const WITHDRAWAL_WORDS: Readonly<Record<WithdrawalEnd, string>> = {
  completed: 'success unlock',
  partially_completed: 'partial unlock',
  cancelled: 'cancelled unlock',
};

const WORDS: Readonly<Record<SliceFate, readonly string[]>> = {
  paid: ['success'],
  reversed: ['success', 'reversed'],
  found: ['success', 'reversed', 'success'],
  back: ['failed'],
  handed: ['expired'],
};

/** By the fate of the slice that it has; and of the two who came late, the first is credited, the second is not. */
function payinWords({ behaviour, payers }: InstantOrder, { has, payerId }: PayinRow): readonly string[] {
  const fate = has === null ? undefined : behaviour.fates[has - 1];
  if (fate) return WORDS[fate];
  const late = behaviour.isPaidTwice ? payers.indexOf(payerId) : -1;
  return [['success'], ['failed']][late] ?? ['expired'];
}

const differing = (who: string, words: readonly string[], should: readonly string[]): string[] =>
  words.join(', ') === should.join(', ') ? [] : [`${who} was told ${words.join(', ') || 'nothing'}, not ${should.join(', ')}`];

function wordOf(body: string | undefined): string {
  if (body === undefined) return 'nothing';
  const { data } = JSON.parse(body) as { data: { object: { status?: string; walletStatus?: string } } };
  return [data.object.status, data.object.walletStatus].filter((each) => each !== undefined).join(' ');
}

const FINAL_PAYINS = Object.entries(PAYIN_STATES).flatMap(([state, { final }]) => (final ? [state] : []));

const PAYINS = `
  SELECT p.id, p.user_id AS "payerId", b.number AS has
    FROM payins p LEFT JOIN instant_batches b ON b.id = p.batch_id AND b.payin_id = p.id WHERE p.user_id = ANY ($1) ORDER BY p.id`;

const TOLD = `
  SELECT id, subject_id AS "subjectId",
         from_state IS DISTINCT FROM to_state AND CASE subject_kind WHEN 'payin' THEN to_state = ANY ($2) ELSE to_state = $3 END AS "isEnd"
    FROM events WHERE subject_id = ANY ($1) ORDER BY subject_id, sequence`;
