/** One search: an id leads to what it names, anything else is looked for as a reference, or as a UTR where it may be one. */
import { useEffect } from 'react';
import { api, type Schemas } from '../api.ts';
import { usePages } from '../query.ts';
import { navigate, usePlace } from '../router.tsx';
import { Money, Section, State, Time } from '../ui/bits.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { Payee } from './payee.tsx';
import { FoundWithdrawals } from './Withdrawals.tsx';

/** What an id begins with, and where it leads. A PSP's reference is a payout's id and its attempt. */
const PLACES: readonly (readonly [pattern: RegExp, to: (id: string) => string])[] = [
  [/^(po_[0-9a-f]{32})(:[0-9]+)?$/, (id) => `/payouts/${id}`],
  [/^(ip_[0-9a-f]{32})$/, (id) => `/withdrawals/${id}`],
  [/^(gam_[0-9a-f]{32})$/, (id) => `/games/${id}`],
  [/^(mkt_[0-9a-f]{32})$/, (id) => `/markets/${id}`],
  [/^(mer_[0-9a-f]{32})$/, (id) => `/merchants/${id}`],
  [/^(adm_[0-9a-f]{32})$/, (id) => `/audit?admin=${id}`],
];

/** What names a withdrawal without being its own id. */
const SLICE = /^ipb_[0-9a-f]{32}$/;
const PAYIN = /^pin_[0-9a-f]{32}$/;
/** Of any rail. */
const UTR = /^[0-9A-Z]{12,22}$/i;

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
  if (place !== undefined) return null; // it is left at once
  if (words === '') return <Empty>Say what you look for.</Empty>;
  if (SLICE.test(words)) return <FoundWithdrawals asked={{ batchId: words }} empty="There is no such slice." />;
  if (PAYIN.test(words))
    return <FoundWithdrawals asked={{ payinId: words }} empty="This payin has had no slice, or is nobody’s." />;
  return (
    <>
      <Section title="Payouts">
        <FoundPayouts reference={words} />
      </Section>
      <Section title="Withdrawals">
        <FoundWithdrawals asked={{ reference: words }} empty={`No withdrawal has the reference “${words}”.`} />
      </Section>
      {UTR.test(words) && (
        <Section title="Withdrawals by UTR">
          <FoundWithdrawals asked={{ utr: words.toUpperCase() }} empty={`Nobody has shown the UTR “${words}”.`} />
        </Section>
      )}
    </>
  );
}

function FoundPayouts({ reference }: { readonly reference: string }) {
  const found = usePages(['search', reference], (cursor) =>
    api.GET('/api/admin/payouts', { params: { query: { reference, ...cursor } } }),
  );
  return (
    <List
      name={`Payouts with the reference ${reference}`}
      of={found}
      columns={COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/payouts/${id}`}
      empty={`No payout has the reference “${reference}”, and it is no id. A reference must be given whole.`}
    />
  );
}
