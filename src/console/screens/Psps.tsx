/** Who pays: each PSP by mode and currency, what it says of our balance there, and whether it answers. */
import { api } from '../api.ts';
import { SELDOM_MS, useAsk } from '../query.ts';
import { inWords, State } from '../ui/bits.tsx';
import { Shown } from '../ui/states.tsx';
import { Table } from '../ui/Table.tsx';

export function Psps() {
  const psps = useAsk(['psps'], () => api.GET('/api/admin/psps'), { every: SELDOM_MS });
  return (
    <Shown of={psps}>
      {({ data }) => (
        <Table
          name="PSPs"
          rows={data}
          keyOf={({ name, mode, currency }) => `${name} ${mode} ${currency}`}
          columns={[
            { head: 'PSP', cell: ({ name }) => name },
            { head: 'Mode', cell: ({ mode }) => mode },
            { head: 'Answers', cell: ({ unavailable }) => <State is={unavailable ? 'down' : 'ok'} /> },
            {
              head: 'Balance there',
              cell: ({ balance, currency }) => (balance ? inWords(balance, currency) : `${currency} —`),
              isNumber: true,
            },
            { head: 'Why not', cell: ({ unavailable }) => unavailable ?? '—' },
          ]}
        />
      )}
    </Shown>
  );
}
