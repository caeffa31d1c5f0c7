/** Who did what, on what, when. */
import { api, type Query, type Schemas } from '../api.ts';
import { usePages } from '../query.ts';
import { useFilter } from '../router.tsx';
import { Id, Raw, Time } from '../ui/bits.tsx';
import { Field } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['AuditEntry']>[] = [
  { head: 'When', cell: ({ at }) => <Time at={at} /> },
  { head: 'Who', cell: ({ adminId }) => <Id of={adminId} /> },
  { head: 'Did', cell: ({ action }) => action },
  { head: 'To', cell: ({ target }) => <Id of={target} /> },
  { head: 'Request', cell: ({ requestId }) => <code>{requestId}</code> },
  { head: 'With', cell: ({ data }) => <Raw of={data} /> },
];

export function Audit() {
  const { filter, set } = useFilter(['admin', 'target']);
  const asked: Query<'/api/admin/audit'> = filter;
  const entries = usePages(['audit', filter], (cursor) =>
    api.GET('/api/admin/audit', { params: { query: { ...asked, ...cursor } } }),
  );
  return (
    <>
      <div className="filters">
        <Field
          label="Admin"
          value={filter.admin ?? ''}
          maxLength={128}
          onChange={(event) => set({ admin: event.target.value })}
        />
        <Field
          label="Target"
          value={filter.target ?? ''}
          maxLength={128}
          onChange={(event) => set({ target: event.target.value })}
        />
      </div>
      <List name="Audit" of={entries} columns={COLUMNS} keyOf={({ id }) => id} empty="Nobody did anything like that." />
    </>
  );
}
