/** What waits for an operator in withdrawals: proofs in doubt, slices that are disputed, proofs that came late, and what banks told that fits nothing. */
import { api } from '../api.ts';
import { InstantActs } from '../instantActs.tsx';
import { OFTEN_MS, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { useMay, useSession } from '../session.tsx';
import { Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { List } from '../ui/Table.tsx';

const EVERY = { every: OFTEN_MS };
const words = (names: readonly string[]): string => names.map((name) => name.replaceAll('_', ' ')).join(', ');
const placeOf = (withdrawal: string, slice: string): string => `/withdrawals/${withdrawal}?${new URLSearchParams({ slice })}`;

const useReviews = () =>
  usePages(['proofs', 'reviews'], (query) => api.GET('/api/admin/instant-payouts/reviews', { params: { query } }), EVERY);
const useDisputes = () =>
  usePages(['proofs', 'disputes'], (query) => api.GET('/api/admin/instant-payouts/disputes', { params: { query } }), EVERY);
const useLate = () =>
  usePages(['proofs', 'late'], (query) => api.GET('/api/admin/instant-payouts/late-proofs', { params: { query } }), EVERY);

const useBankCredits = () =>
  usePages(['proofs', 'banks'], (query) => api.GET('/api/admin/instant-payouts/bank-credits', { params: { query } }), EVERY);

export function Proofs() {
  const { who } = useSession();
  const may = useMay();
  const [reviews, disputes, late, banks] = [useReviews(), useDisputes(), useLate(), useBankCredits()];
  return (
    <>
      <Section title="In doubt">
        <List
          name="Proofs in doubt"
          of={reviews}
          keyOf={({ batch }) => batch.id}
          to={({ batch }) => placeOf(batch.instantPayoutId, batch.id)}
          empty="No proof waits for a person."
          columns={[
            { head: 'Slice', cell: ({ batch }) => `Slice ${batch.number}` },
            { head: 'Amount', cell: ({ batch }) => inWords(batch.amount, batch.currency), isNumber: true },
            { head: 'UTR', cell: ({ batch }) => batch.utr ?? '—' },
            { head: 'Because', cell: ({ batch }) => words(batch.review?.reasons ?? []) },
            {
              head: 'For',
              cell: ({ validatorId }) => <For validatorId={validatorId} you={who.id} />,
            },
            { head: 'Until', cell: ({ validateUntil }) => <Time at={validateUntil} /> },
          ]}
        />
      </Section>
      <Section title="Disputed">
        <List
          name="Disputed slices"
          of={disputes}
          keyOf={({ batch }) => batch.id}
          to={({ batch }) => placeOf(batch.instantPayoutId, batch.id)}
          empty="Nobody says that money did not come."
          columns={[
            { head: 'Slice', cell: ({ batch }) => `Slice ${batch.number}` },
            { head: 'Amount', cell: ({ batch }) => inWords(batch.amount, batch.currency), isNumber: true },
            { head: 'UTR', cell: ({ batch }) => batch.utr ?? '—' },
            { head: 'Says', cell: ({ reason }) => words([reason]) },
            { head: 'Since', cell: ({ openedAt }) => <Time at={openedAt} /> },
          ]}
        />
      </Section>
      <Section title="Late">
        <List
          name="Late proofs"
          of={late}
          keyOf={({ payin }) => payin.id}
          to={({ batchId, instantPayoutId }) => placeOf(instantPayoutId, batchId)}
          empty="No proof has come too late."
          columns={[
            { head: 'Payin', cell: ({ payin }) => payin.reference },
            { head: 'Status', cell: ({ payin }) => <State is={payin.status} /> },
            { head: 'Amount', cell: ({ payin }) => inWords(payin.amount, payin.currency), isNumber: true },
            { head: 'UTR', cell: ({ payin }) => payin.utr ?? '—' },
            { head: 'The bank says', cell: ({ bankCredit }) => (bankCredit ? <State is={bankCredit} /> : '—') },
            { head: 'For', cell: ({ validatorId }) => <For validatorId={validatorId} you={who.id} /> },
            { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
          ]}
        />
      </Section>
      <Section title="Told by banks">
        <List
          name="Told by banks, and fits nothing"
          of={banks}
          keyOf={({ id }) => id}
          empty="All that banks told fits."
          columns={[
            { head: 'UTR', cell: ({ utr }) => utr },
            { head: 'Merchant', cell: ({ merchantId }) => <Id of={merchantId} /> },
            { head: 'Amount', cell: ({ amount, currency }) => inWords(amount, currency), isNumber: true },
            { head: 'Status', cell: ({ status }) => <State is={status} /> },
            { head: 'Also told', cell: ({ alsoTold }) => (alsoTold ? inWords(alsoTold.amount, alsoTold.currency) : '—') },
            { head: 'Slice', cell: ({ batchId }) => (batchId ? <Id of={batchId} /> : '—') },
            { head: 'Came', cell: ({ creditedAt }) => <Time at={creditedAt} /> },
            {
              head: 'Do',
              cell: ({ id, utr, amount, currency }) =>
                may('resolve') && (
                  <InstantActs id={id} names={['looked-at']}>
                    <p className="big">{inWords(amount, currency)}</p>
                    <p>under the UTR {utr}</p>
                  </InstantActs>
                ),
            },
          ]}
        />
      </Section>
    </>
  );
}

/** Whose turn it is to look. */
function For({ validatorId, you }: { readonly validatorId: string | null; readonly you: string }) {
  if (validatorId === null) return 'anybody';
  return validatorId === you ? <span className="chip bad">you</span> : <Id of={validatorId} />;
}

/** For whoever looks at what waits elsewhere. */
export function ProofsWaiting() {
  const lists = [useReviews(), useDisputes(), useLate()];
  const count = lists.reduce((sum, { rows }) => sum + rows.length, 0);
  if (count === 0) return null;
  return (
    <p>
      <Link to="/proofs">
        {count}
        {lists.some(({ hasNextPage }) => hasNextPage) && ' and more'} proofs of withdrawals
      </Link>{' '}
      wait for an operator.
    </p>
  );
}
