/** What PSPs sent us: stored as it came, and what became of it. An orphan names no payout of ours. */
import { api, type Query, type Schemas } from '../api.ts';
import { OFTEN_MS, usePages } from '../query.ts';
import { Link, useFilter } from '../router.tsx';
import { Raw, State, Time } from '../ui/bits.tsx';
import { Choice } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['PspMessage']>[] = [
  { head: 'Came', cell: ({ receivedAt }) => <Time at={receivedAt} /> },
  { head: 'From', cell: ({ psp }) => psp },
  { head: 'Says', cell: ({ claim }) => claim },
  {
    head: 'Of',
    cell: ({ payoutId, reference }) =>
      payoutId ? <Link to={`/payouts/${payoutId}`}>{reference ?? payoutId}</Link> : (reference ?? '—'),
  },
  { head: 'State', cell: ({ state }) => <State is={state} /> },
  { head: 'Because', cell: ({ detail }) => detail ?? '—' },
  { head: 'Body', cell: ({ body }) => <Raw of={body} /> },
];

const STATES = {
  '': 'any',
  orphan: 'orphan: of no payout of ours',
  received: 'not dealt with yet',
  applied: 'applied',
  ignored: 'ignored',
};

export function Inbox() {
  const { filter, set } = useFilter(['state']);
  const asked = filter as Query<'/api/admin/ipn'>;
  const messages = usePages(
    ['inbox', filter],
    (cursor) => api.GET('/api/admin/ipn', { params: { query: { ...asked, ...cursor } } }),
    { every: OFTEN_MS },
  );
  return (
    <>
      <div className="filters">
        <Choice label="State" of={STATES} value={filter.state ?? ''} onChange={(event) => set({ state: event.target.value })} />
      </div>
      <List name="Messages" of={messages} columns={COLUMNS} keyOf={({ id }) => id} empty="No PSP has sent anything like that." />
    </>
  );
}
