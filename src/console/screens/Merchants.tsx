/** Merchants, and a new one. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { useAct, usePages } from '../query.ts';
import { State, Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['Merchant']>[] = [
  { head: 'Name', cell: ({ name }) => name },
  { head: 'Id', cell: ({ id }) => <code>{id}</code> },
  { head: 'State', cell: ({ active }) => <State is={active ? 'active' : 'closed'} /> },
  { head: 'Fee', cell: ({ fee }) => `${fee.bps / 100} %`, isNumber: true },
  { head: 'Mail', cell: ({ email }) => email ?? '—' },
  { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Merchants() {
  const merchants = usePages(['merchants'], (query) => api.GET('/api/admin/merchants', { params: { query } }));
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const making = useAct(
    (form: FormData) =>
      api.POST('/api/admin/merchants', { body: { name: textOf(form, 'name'), email: textOf(form, 'email') || null } }),
    (made) => {
      setMaking(false);
      setSecret(made.webhookSecret);
    },
  );
  return (
    <>
      <div className="buttons left">
        <button type="button" className="main" onClick={() => setMaking(true)}>
          New merchant
        </button>
      </div>
      <List
        name="Merchants"
        of={merchants}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        to={({ id }) => `/merchants/${id}`}
        empty="There is no merchant yet."
      />
      {isMaking && (
        <Confirm
          title="New merchant"
          act="Make it"
          isBusy={making.isPending}
          error={making.error}
          onAct={making.mutate}
          onClose={() => setMaking(false)}
        >
          <Field label="Name" name="name" required maxLength={100} fault={faultAt(making.error, '/name')} />
          <Field
            label="Mail"
            name="email"
            type="email"
            hint="Where it is told what it must mend; may be left out"
            fault={faultAt(making.error, '/email')}
          />
        </Confirm>
      )}
      {secret && (
        <Secret title="What signs the webhooks to its callbackUrls" secret={secret} onClose={() => setSecret(undefined)} />
      )}
    </>
  );
}
