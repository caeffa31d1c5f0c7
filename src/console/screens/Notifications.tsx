/** Whom we told by mail or push, and whether it got there. */
import { api, type Query, type Schemas } from '../api.ts';
import { SELDOM_MS, usePages } from '../query.ts';
import { useFilter } from '../router.tsx';
import { State, Time } from '../ui/bits.tsx';
import { Choice } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['Notification']>[] = [
  { head: 'Of', cell: ({ kind }) => kind.replaceAll(/[._]/g, ' ') },
  { head: 'To', cell: ({ audience, address }) => `${audience}: ${address}` },
  { head: 'By', cell: ({ channel }) => channel },
  { head: 'State', cell: ({ state }) => <State is={state} /> },
  { head: 'Tries', cell: ({ attempts }) => attempts, isNumber: true },
  { head: 'What went wrong', cell: ({ lastError }) => lastError ?? '—' },
  { head: 'Written', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { head: 'Sent', cell: ({ sentAt }) => <Time at={sentAt} /> },
];

export function Notifications() {
  const { filter, set } = useFilter(['state']);
  const asked = filter as Query<'/api/admin/notifications'>;
  const told = usePages(
    ['notifications', filter],
    (cursor) => api.GET('/api/admin/notifications', { params: { query: { ...asked, ...cursor } } }),
    { every: SELDOM_MS },
  );
  return (
    <>
      <div className="filters">
        <Choice
          label="State"
          of={{ '': 'any', pending: 'pending', sent: 'sent', failed: 'failed' }}
          value={filter.state ?? ''}
          onChange={(event) => set({ state: event.target.value })}
        />
      </div>
      <List name="Notifications" of={told} columns={COLUMNS} keyOf={({ id }) => id} empty="Nobody was told anything like that." />
    </>
  );
}
