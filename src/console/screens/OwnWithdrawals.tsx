/** The withdrawals of a merchant's own payees. */
import { api, type Query } from '../api.ts';
import { SELDOM_MS, usePages } from '../query.ts';
import { useFilter } from '../router.tsx';
import { type FilterFields, Filters } from '../ui/Filters.tsx';
import { List } from '../ui/Table.tsx';
import { WITHDRAWAL_COLUMNS, WITHDRAWAL_STATUSES } from './Withdrawals.tsx';

const FIELDS = { status: { label: 'Status', of: WITHDRAWAL_STATUSES } } as const satisfies FilterFields;

export function OwnWithdrawals() {
  const { filter, set } = useFilter(['status']);
  const asked = filter as Query<'/api/v1/instant-payouts'>;
  const withdrawals = usePages(
    ['withdrawals', filter],
    (cursor) => api.GET('/api/v1/instant-payouts', { params: { query: { ...asked, ...cursor } } }),
    { every: SELDOM_MS },
  );
  return (
    <>
      <Filters fields={FIELDS} filter={filter} set={set} />
      <List
        name="Withdrawals"
        of={withdrawals}
        columns={WITHDRAWAL_COLUMNS}
        keyOf={({ id }) => id}
        to={({ id }) => `/withdrawals/${id}`}
        empty="No withdrawal is like that."
      />
    </>
  );
}
