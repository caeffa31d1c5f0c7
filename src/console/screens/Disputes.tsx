/** What users say they should have been paid: the oldest first, judged one by one. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { useMay, useSession } from '../session.tsx';
import { Id, inWords } from '../ui/bits.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Row = Schemas['DisputedDistribution'];

const JUDGEMENTS = {
  uphold: { label: 'It is right', says: 'It stays as it was paid.' },
  overturn: { label: 'It is wrong', says: 'The whole resolution is taken back, from every user of the market, fees included.' },
} as const;
type Judgement = keyof typeof JUDGEMENTS;

function judge(name: Judgement, id: string) {
  const params = { path: { id } };
  return name === 'uphold'
    ? api.POST('/api/admin/distributions/{id}/uphold', { params, body: {} })
    : api.POST('/api/admin/distributions/{id}/overturn', { params, body: {} });
}

export function Disputes() {
  const may = useMay();
  const { who } = useSession();
  const disputes = usePages(['disputes'], (query) => api.GET('/api/admin/distributions', { params: { query } }), {
    every: OFTEN_MS,
  });
  const [chosen, choose] = useState<{ readonly name: Judgement; readonly row: Row }>();
  const judging = useAct(
    ({ name, row }: { readonly name: Judgement; readonly row: Row }) => judge(name, row.id),
    () => choose(undefined),
  );
  const columns: readonly Column<Row>[] = [
    { head: 'User', cell: ({ userId }) => <Id of={userId} /> },
    { head: 'Market', cell: ({ marketId }) => <Link to={`/markets/${marketId}`}>{marketId.slice(-8)}</Link> },
    { head: 'Was paid', cell: ({ totalPayout, currency }) => inWords(totalPayout, currency), isNumber: true },
    { head: 'Says', cell: ({ disputeReason }) => disputeReason ?? '—' },
    {
      head: 'Act',
      cell: (row) => (
        <div className="buttons left">
          {(Object.keys(JUDGEMENTS) as Judgement[]).map((name) => (
            <button
              key={name}
              type="button"
              disabled={!may('judgeDispute') || row.resolvedBy === who.id}
              onClick={() => choose({ name, row })}
            >
              {JUDGEMENTS[name].label}
            </button>
          ))}
        </div>
      ),
    },
  ];
  return (
    <>
      <List name="Disputes" of={disputes} columns={columns} keyOf={({ id }) => id} empty="Nobody disputes anything." />
      {chosen && (
        <Confirm
          title={JUDGEMENTS[chosen.name].label}
          act={JUDGEMENTS[chosen.name].label}
          isGrave={chosen.name === 'overturn'}
          isBusy={judging.isPending}
          error={judging.error}
          onAct={() => judging.mutate(chosen)}
          onClose={() => choose(undefined)}
        >
          <p className="big">{inWords(chosen.row.totalPayout, chosen.row.currency)}</p>
          <p className={chosen.name === 'overturn' ? 'warning' : undefined}>{JUDGEMENTS[chosen.name].says}</p>
        </Confirm>
      )}
    </>
  );
}
