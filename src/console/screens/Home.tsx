/** A merchant's money: what there is, how it went, and every entry of it. */
import { useState } from 'react';
import { api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, useAsk, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { useSession } from '../session.tsx';
import { inWords, Money, Section, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { Plot } from '../ui/Plot.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { FiguresOf } from './Overview.tsx';

type Entry = Schemas['LedgerEntry'];

const COLUMNS: readonly Column<Entry>[] = [
  { head: 'Entry', cell: ({ type }) => type.toLowerCase().replaceAll('_', ' ') },
  { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
  { head: 'From', cell: ({ debit }) => debit },
  { head: 'To', cell: ({ credit }) => credit },
  { head: 'Available then', cell: ({ availableAfter }) => availableAfter, isNumber: true },
  { head: 'Reserved then', cell: ({ lockedAfter }) => lockedAfter, isNumber: true },
  { head: 'Payout', cell: ({ payoutId }) => (payoutId ? <Link to={`/payouts/${payoutId}`}>see it</Link> : '—') },
  { head: 'When', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Home() {
  const balance = useAsk(['balance'], () => api.GET('/api/v1/balance'), { every: SELDOM_MS });
  const [given, choose] = useState<string>();
  return (
    <Shown of={balance}>
      {({ balances }) => {
        const currency = given ?? balances[0]?.currency;
        return (
          <>
            <ul className="tiles" aria-label="Balances">
              {balances.map((each) => (
                <li key={each.currency}>
                  <button type="button" aria-pressed={each.currency === currency} onClick={() => choose(each.currency)}>
                    <strong>{inWords(each.available, each.currency)}</strong> available
                    <span className="faint">{inWords(each.locked, each.currency)} reserved</span>
                  </button>
                </li>
              ))}
            </ul>
            {balances.length === 0 && <Empty>No money has come in yet.</Empty>}
            <Funding />
            {currency && <History currency={currency} />}
            <AtAGlance />
          </>
        );
      }}
    </Shown>
  );
}

/** What stands where, and how it went. */
function AtAGlance() {
  const overview = useAsk(['overview'], () => api.GET('/api/v1/overview'), { every: SELDOM_MS });
  return overview.data ? <FiguresOf of={overview.data} /> : null;
}

function History({ currency }: { readonly currency: string }) {
  const entries = usePages(
    ['history', currency],
    (cursor) => api.GET('/api/v1/balance/history', { params: { query: { currency, limit: 100, ...cursor } } }),
    { every: SELDOM_MS },
  );
  const inOrder = entries.rows.toReversed();
  return (
    <Section title={`${currency}, the newest first`}>
      {inOrder.length > 1 && (
        <Plot
          label={`What was available, over the last ${inOrder.length} entries`}
          times={inOrder.map(({ createdAt }) => Date.parse(createdAt) / 1_000)}
          values={inOrder.map(({ availableAfter }) => Number(availableAfter))}
        />
      )}
      <List name="Entries" of={entries} columns={COLUMNS} keyOf={({ id }) => id} empty="No money has moved." />
    </Section>
  );
}

/** Test money, for whoever tries things out. */
function Funding() {
  const { who } = useSession();
  const [isAsking, setAsking] = useState(false);
  const funding = useAct(
    (form: FormData) => {
      const body = { amount: textOf(form, 'amount'), currency: textOf(form, 'currency').toUpperCase() as 'PKR' };
      return api.POST('/api/v1/test/balance/fund', { params: { header: once() }, body });
    },
    () => setAsking(false),
  );
  if (who.mode !== 'test') return null;
  return (
    <div className="buttons left">
      <button type="button" onClick={() => setAsking(true)}>
        Add test money
      </button>
      {isAsking && (
        <Confirm
          title="Add test money"
          act="Add"
          isBusy={funding.isPending}
          error={funding.error}
          onAct={funding.mutate}
          onClose={() => setAsking(false)}
        >
          <Field
            label="Amount"
            name="amount"
            inputMode="decimal"
            required
            defaultValue="100000.00"
            fault={faultAt(funding.error, '/amount')}
          />
          <Field
            label="Currency"
            name="currency"
            required
            defaultValue="PKR"
            maxLength={3}
            fault={faultAt(funding.error, '/currency')}
          />
        </Confirm>
      )}
    </div>
  );
}
