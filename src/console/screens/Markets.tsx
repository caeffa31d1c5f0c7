/** Markets of all merchants, and what of them waits for a person. */
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, SELDOM_MS, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { type Column, List } from '../ui/Table.tsx';

const MARKETS: readonly Column<Schemas['AdminMarket']>[] = [
  { head: 'Market', cell: ({ title }) => title },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Outcome', cell: ({ outcome }) => outcome ?? '—' },
  { head: 'Staked', cell: ({ totals, currency }) => inWords(totals.staked, currency), isNumber: true },
  { head: 'Users', cell: ({ totals }) => totals.participants, isNumber: true },
  { head: 'Merchant', cell: ({ merchantId }) => <Id of={merchantId} /> },
  { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
  { head: 'Opened', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

const WAITING: readonly Column<Schemas['AdminResolution']>[] = [
  { head: 'Market', cell: ({ marketId }) => <Link to={`/markets/${marketId}`}>{marketId.slice(-8)}</Link> },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Outcome', cell: ({ outcome }) => outcome },
  { head: 'Paid so far', cell: ({ progress, currency }) => inWords(progress.amount, currency), isNumber: true },
  { head: 'Because', cell: ({ reason }) => reason ?? '—' },
  { head: 'Since', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
];

/** What does not go on by itself. */
const FOR_A_PERSON = ['in_review', 'disputed', 'failed', 'waiting_for_funds'];

export function Markets() {
  const markets = usePages(['markets'], (query) => api.GET('/api/admin/markets', { params: { query } }), { every: SELDOM_MS });
  const waiting = usePages(
    ['resolutions', 'waiting'],
    (cursor) => api.GET('/api/admin/resolutions', { params: { query: { state: FOR_A_PERSON as never, ...cursor } } }),
    { every: OFTEN_MS },
  );
  return (
    <>
      <Section title="Resolutions that wait for somebody">
        <List name="Resolutions" of={waiting} columns={WAITING} keyOf={({ id }) => id} empty="None." />
      </Section>
      <Section title="All markets">
        <List
          name="Markets"
          of={markets}
          columns={MARKETS}
          keyOf={({ id }) => id}
          to={({ id }) => `/markets/${id}`}
          empty="No merchant has opened a market."
        />
      </Section>
    </>
  );
}
