/** One search: an id leads to what it names, anything else is looked for as a reference. */
import { useEffect } from 'react';
import { api, type Schemas } from '../api.ts';
import { usePages } from '../query.ts';
import { navigate, usePlace } from '../router.tsx';
import { Money, State, Time } from '../ui/bits.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { Payee } from './payee.tsx';

/** What an id begins with, and where it leads. A PSP's reference is a payout's id and its attempt. */
const PLACES: readonly (readonly [pattern: RegExp, to: (id: string) => string])[] = [
  [/^(po_[0-9a-f]{32})(:[0-9]+)?$/, (id) => `/payouts/${id}`],
  [/^(gam_[0-9a-f]{32})$/, (id) => `/games/${id}`],
  [/^(mkt_[0-9a-f]{32})$/, (id) => `/markets/${id}`],
  [/^(mer_[0-9a-f]{32})$/, (id) => `/merchants/${id}`],
  [/^(adm_[0-9a-f]{32})$/, (id) => `/audit?admin=${id}`],
];

const COLUMNS: readonly Column<Schemas['AdminPayout']>[] = [
  { head: 'Reference', cell: ({ reference }) => reference },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
  { head: 'Payee', cell: ({ destination }) => <Payee {...destination} /> },
  { head: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function AdminSearch() {
  const words = usePlace().query.get('q') ?? '';
  const place = PLACES.flatMap(([pattern, to]) => {
    const id = pattern.exec(words)?.[1];
    return id === undefined ? [] : [to(id)];
  })[0];
  useEffect(() => {
    if (place) navigate(place, { replace: true });
  }, [place]);
  const found = usePages(
    ['search', words],
    (cursor) => api.GET('/api/admin/payouts', { params: { query: { reference: words, ...cursor } } }),
    {
      enabled: place === undefined && words !== '',
    },
  );
  return (
    <List
      name={`Payouts with the reference ${words}`}
      of={found}
      columns={COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/payouts/${id}`}
      empty={`No payout has the reference “${words}”, and it is no id. A reference must be given whole.`}
    />
  );
}
