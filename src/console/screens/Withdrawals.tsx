/** Everybody's withdrawals that payers pay: what is asked for stands in the address. */
import { api, type Query, type Schemas } from '../api.ts';
import { OFTEN_MS, usePages } from '../query.ts';
import { useFilter } from '../router.tsx';
import { Id, inWords, State, Time } from '../ui/bits.tsx';
import { type FilterFields, Filters } from '../ui/Filters.tsx';
import { type Column, List } from '../ui/Table.tsx';

export const WITHDRAWAL_STATUSES = [
  'open',
  'partially_paid',
  'disputed',
  'completed',
  'partially_completed',
  'cancelled',
] as const satisfies readonly Schemas['InstantPayout']['status'][];

const FIELDS = {
  status: { label: 'Status', of: WITHDRAWAL_STATUSES },
  merchantId: { label: 'Merchant', of: 'text' },
  reference: { label: 'Reference', of: 'text' },
  utr: { label: 'UTR', of: 'text' },
} as const satisfies FilterFields;

const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

/** Of either side's list. */
export const WITHDRAWAL_COLUMNS: readonly Column<Schemas['InstantPayout']>[] = [
  { head: 'Reference', cell: ({ reference }) => reference },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Amount', cell: ({ totalAmount, currency }) => inWords(totalAmount, currency), isNumber: true },
  { head: 'Paid', cell: ({ instantPaid, currency }) => inWords(instantPaid, currency), isNumber: true },
  { head: 'To', cell: ({ payee }) => payee.label },
  { head: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

const COLUMNS: readonly Column<Schemas['AdminInstantPayout']>[] = [
  ...WITHDRAWAL_COLUMNS,
  { head: 'Merchant', cell: ({ merchantId }) => <Id of={merchantId} /> },
  { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
];

type Asked = Query<'/api/admin/instant-payouts'>;

interface FoundProps {
  readonly asked: Asked;
  readonly empty: string;
}

/** Those that are asked for, in a list. */
export function FoundWithdrawals({ asked, empty }: FoundProps) {
  const found = usePages(
    ['withdrawals', asked],
    (cursor) => api.GET('/api/admin/instant-payouts', { params: { query: { ...asked, ...cursor } } }),
    { every: OFTEN_MS },
  );
  return (
    <List
      name="Withdrawals"
      of={found}
      columns={COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/withdrawals/${id}`}
      empty={empty}
    />
  );
}

export function Withdrawals() {
  const { filter, set } = useFilter(NAMES);
  return (
    <>
      <Filters fields={FIELDS} filter={filter} set={set} />
      <FoundWithdrawals asked={filter as Asked} empty="No withdrawal is like that. References and UTRs must be given whole." />
    </>
  );
}
