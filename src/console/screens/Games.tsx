/** Games of all merchants. */
import { api, type Schemas } from '../api.ts';
import { SELDOM_MS, usePages } from '../query.ts';
import { Id, State, Time } from '../ui/bits.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['AdminGame']>[] = [
  { head: 'Game', cell: ({ id }) => id },
  { head: 'Type', cell: ({ type }) => type.replaceAll('_', ' ') },
  {
    head: 'Status',
    cell: ({ status, needsOperator }) => (
      <>
        {<State is={status} />} {needsOperator && <span className="chip bad">needs you</span>}
      </>
    ),
  },
  { head: 'Winner', cell: ({ winner }) => winner ?? '—' },
  { head: 'Merchant', cell: ({ merchantId }) => <Id of={merchantId} /> },
  { head: 'Opened', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { head: 'Ended', cell: ({ endedAt }) => <Time at={endedAt} /> },
];

export function Games() {
  const games = usePages(['games'], (query) => api.GET('/api/admin/games', { params: { query } }), { every: SELDOM_MS });
  return (
    <List
      name="Games"
      of={games}
      columns={COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/games/${id}`}
      empty="No merchant has opened a game."
    />
  );
}
