/** A merchant's payouts: what is asked for stands in the address. */
import { api, type Query, type Schemas } from '../api.ts';
import { SELDOM_MS, usePages } from '../query.ts';
import { Link, useFilter } from '../router.tsx';
import { Money, State, Time } from '../ui/bits.tsx';
import { type FilterFields, Filters } from '../ui/Filters.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { Payee } from './payee.tsx';
import { STATUSES } from './statuses.ts';

const FIELDS = {
  status: { label: 'Status', of: STATUSES },
  currency: { label: 'Currency', of: 'text' },
  reference: { label: 'Reference', of: 'text' },
  createdFrom: { label: 'From', of: 'time' },
  createdTo: { label: 'To', of: 'time' },
} as const satisfies FilterFields;

const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

export const PAYOUT_COLUMNS: readonly Column<Schemas['Payout']>[] = [
  { head: 'Reference', cell: ({ reference }) => reference },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
  { head: 'Payee', cell: ({ destination }) => <Payee {...destination} /> },
  { head: 'Failure', cell: ({ failure }) => failure?.message ?? '—' },
  { head: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Payouts() {
  const { filter, set } = useFilter(NAMES);
  const asked = filter as unknown as Query<'/api/v1/payouts'>;
  const payouts = usePages(
    ['payouts', filter],
    (cursor) => api.GET('/api/v1/payouts', { params: { query: { ...asked, ...cursor } } }),
    { every: SELDOM_MS },
  );
  return (
    <>
      <Filters fields={FIELDS} filter={filter} set={set} csv="/api/v1/payouts.csv" />
      <List
        name="Payouts"
        of={payouts}
        columns={PAYOUT_COLUMNS}
        keyOf={({ id }) => id}
        to={({ id }) => `/payouts/${id}`}
        empty={
          <>
            No payout is like that. <Link to="/new">Make one</Link>, or ask for less.
          </>
        }
      />
    </>
  );
}
