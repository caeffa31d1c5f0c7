/** A merchant's search: a payout by its id or its reference. */
import { useEffect } from 'react';
import { api } from '../api.ts';
import { usePages } from '../query.ts';
import { navigate, usePlace } from '../router.tsx';
import { List } from '../ui/Table.tsx';
import { PAYOUT_COLUMNS } from './Payouts.tsx';

const PAYOUT_ID = /^po_[0-9a-f]{32}$/;

export function MerchantSearch() {
  const words = usePlace().query.get('q') ?? '';
  const isId = PAYOUT_ID.test(words);
  useEffect(() => {
    if (isId) navigate(`/payouts/${words}`, { replace: true });
  }, [isId, words]);
  const found = usePages(
    ['search', words],
    (cursor) => api.GET('/api/v1/payouts', { params: { query: { reference: words, ...cursor } } }),
    {
      enabled: !isId && words !== '',
    },
  );
  return (
    <List
      name={`Payouts with the reference ${words}`}
      of={found}
      columns={PAYOUT_COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/payouts/${id}`}
      empty={`No payout has the reference “${words}”. A reference must be given whole.`}
    />
  );
}
