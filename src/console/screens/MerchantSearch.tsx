/** A merchant's search: an id leads to what it names, anything else is looked for as a payout's reference. */
import { useEffect } from 'react';
import { api } from '../api.ts';
import { usePages } from '../query.ts';
import { navigate, usePlace } from '../router.tsx';
import { List } from '../ui/Table.tsx';
import { PAYOUT_COLUMNS } from './Payouts.tsx';

/** What an id begins with, and where it leads. */
const PLACES: Readonly<Record<string, string>> = { po: 'payouts', ip: 'withdrawals', pin: 'deposits' };

function placeOf(words: string): string | undefined {
  const [, prefix = ''] = /^([a-z]+)_[0-9a-f]{32}$/.exec(words) ?? [];
  const place = Object.hasOwn(PLACES, prefix) ? PLACES[prefix] : undefined;
  return place && `/${place}/${words}`;
}

export function MerchantSearch() {
  const words = usePlace().query.get('q') ?? '';
  const place = placeOf(words);
  useEffect(() => {
    if (place) navigate(place, { replace: true });
  }, [place]);
  const found = usePages(
    ['search', words],
    (cursor) => api.GET('/api/v1/payouts', { params: { query: { reference: words, ...cursor } } }),
    {
      enabled: place === undefined && words !== '',
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
