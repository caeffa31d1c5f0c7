/** Whether the books are right: every rule, and how many rows break it. And who owes. */
import { api } from '../api.ts';
import { useAsk, usePages } from '../query.ts';
import { Id, Money, Section, State } from '../ui/bits.tsx';
import { Shown } from '../ui/states.tsx';
import { List, Table } from '../ui/Table.tsx';

export function Books() {
  const checks = useAsk(['invariants'], () => api.GET('/api/admin/invariants'));
  const debts = usePages(['debts'], (query) => api.GET('/api/admin/debts', { params: { query } }));
  return (
    <>
      <Shown of={checks}>
        {({ data }) => {
          const broken = data.filter(({ violations }) => violations > 0);
          return (
            <>
              <p className="buttons left">
                <strong className={broken.length > 0 ? 'failed' : 'balanced'}>
                  {broken.length === 0
                    ? `All ${data.length} rules hold.`
                    : `${broken.length} of ${data.length} rules are broken.`}
                </strong>
                <button type="button" disabled={checks.isFetching} onClick={() => void checks.refetch()}>
                  {checks.isFetching ? 'Checking…' : 'Check again'}
                </button>
              </p>
              <Table
                name="Rules of the books"
                rows={[...broken, ...data.filter(({ violations }) => violations === 0)]}
                keyOf={({ name }) => name}
                columns={[
                  { head: 'Rule', cell: ({ description }) => description },
                  {
                    head: 'Broken by',
                    cell: ({ violations }) => (violations === 0 ? <State is="ok" /> : violations),
                    isNumber: true,
                  },
                ]}
              />
            </>
          );
        }}
      </Shown>
      <Section title="Who owes">
        <List
          name="Debts"
          of={debts}
          keyOf={({ owner, currency, mode }) => `${owner.id} ${currency} ${mode}`}
          empty="Nobody owes anything."
          columns={[
            { head: 'Who', cell: ({ owner }) => <Id of={owner.id} /> },
            { head: 'Owes', cell: ({ debt, currency }) => <Money amount={debt} currency={currency} />, isNumber: true },
            { head: 'Mode', cell: ({ mode }) => mode },
          ]}
        />
      </Section>
    </>
  );
}
