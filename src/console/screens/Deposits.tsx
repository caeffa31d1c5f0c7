/** The deposits of a merchant's own payers: payins, each paid by a slice of somebody's withdrawal. */
import { api, type Schemas } from '../api.ts';
import { SELDOM_MS, useAsk, usePages } from '../query.ts';
import { Facts, Id, inWords, State, Time } from '../ui/bits.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { Screenshot } from './OwnWithdrawal.tsx';
import { Why } from './Why.tsx';

const COLUMNS: readonly Column<Schemas['Payin']>[] = [
  { head: 'Reference', cell: ({ reference }) => reference },
  { head: 'Status', cell: ({ status }) => <State is={status} /> },
  { head: 'Amount', cell: ({ amount, currency }) => inWords(amount, currency), isNumber: true },
  { head: 'UTR', cell: ({ utr }) => utr ?? '—' },
  { head: 'Pays until', cell: ({ status, payUntil }) => <Time at={status === 'assigned' ? payUntil : null} /> },
  { head: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Deposits() {
  const payins = usePages(['payins'], (query) => api.GET('/api/v1/payins', { params: { query } }), { every: SELDOM_MS });
  return (
    <List
      name="Deposits"
      of={payins}
      columns={COLUMNS}
      keyOf={({ id }) => id}
      to={({ id }) => `/deposits/${id}`}
      empty="No payer of yours has deposited anything."
    />
  );
}

export function Deposit({ id }: { readonly id: string }) {
  const params = { path: { id } };
  const payin = useAsk(['payin', id], () => api.GET('/api/v1/payins/{id}', { params }), { every: SELDOM_MS });
  const why = useAsk(['why', id], () => api.GET('/api/v1/payins/{id}/explain', { params }), { every: SELDOM_MS });
  return (
    <Shown of={payin}>
      {(found) => (
        <>
          <p className="big" role="status">
            {inWords(found.amount, found.currency)} <State is={found.status} />
          </p>
          {why.data && <Why of={why.data} />}
          <Facts
            of={{
              Reference: found.reference,
              Payer: <Id of={found.userId} />,
              'Waits for a slice until': found.status === 'waiting' && <Time at={found.waitUntil} />,
              'Pays until': found.status === 'assigned' && <Time at={found.payUntil} />,
              UTR: found.utr,
              Receipt: found.receiptId,
              Created: <Time at={found.createdAt} />,
              Ended: found.completedAt && <Time at={found.completedAt} />,
              Id: <Id of={found.id} />,
            }}
          />
          {found.utr && found.batchId && <Screenshot batchId={found.batchId} name="this deposit" />}
        </>
      )}
    </Shown>
  );
}
