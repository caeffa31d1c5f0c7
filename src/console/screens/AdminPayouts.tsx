/** Payouts of all merchants: what is asked for stands in the address. */
import { api, type Query, type Schemas } from '../api.ts';
import { OFTEN_MS, usePages } from '../query.ts';
import { useFilter } from '../router.tsx';
import { Id, Money, State, Time } from '../ui/bits.tsx';
import { type FilterFields, Filters } from '../ui/Filters.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { Payee } from './payee.tsx';
import { STATUSES } from './statuses.ts';

type Row = Schemas['AdminPayout'];

const FIELDS = {
  status: { label: 'Status', of: STATUSES },
  needsOperator: { label: 'Needs an operator', of: ['true', 'false'] },
  mode: { label: 'Mode', of: ['test', 'live'] },
  kind: { label: 'Kind', of: ['merchant', 'provider'] },
  currency: { label: 'Currency', of: 'text' },
  merchantId: { label: 'Merchant', of: 'text' },
  reference: { label: 'Reference', of: 'text' },
  createdFrom: { label: 'From', of: 'time' },
  createdTo: { label: 'To', of: 'time' },
} as const satisfies FilterFields;

const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Reference', cell: ({ reference }) => reference },
  {
    head: 'Status',
    cell: ({ status, needsOperator }) => (
      <>
        {<State is={status} />} {needsOperator && <span className="chip bad">needs you</span>}
      </>
    ),
  },
  { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
  { head: 'Payee', cell: ({ destination }) => <Payee {...destination} /> },
  { head: 'Merchant', cell: ({ merchantId }) => <Id of={merchantId} /> },
  { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
  { head: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function AdminPayouts() {
  const { filter, set } = useFilter(NAMES);
  const asked = filter as Query<'/api/admin/payouts'>;
  const payouts = usePages(
    ['payouts', filter],
    (cursor) => api.GET('/api/admin/payouts', { params: { query: { ...asked, ...cursor } } }),
    { every: OFTEN_MS },
  );
  return (
    <>
      <Filters fields={FIELDS} filter={filter} set={set} csv="/api/admin/payouts.csv" />
      <List
        name="Payouts"
        of={payouts}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        to={({ id }) => `/payouts/${id}`}
        empty="No payout is like that. Ask for less."
      />
    </>
  );
}
