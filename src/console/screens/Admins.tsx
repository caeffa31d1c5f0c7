/** The people who run this installation. */
import { useState } from 'react';
import { ROLES, type Role } from '../../rules/roles.ts';
import { api, type Schemas } from '../api.ts';
import { useAct, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { State, Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Choice, Field, faultAt } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Row = Schemas['Admin'];

export function Admins() {
  const admins = usePages(['admins'], (query) => api.GET('/api/admin/admins', { params: { query } }));
  const [isMaking, setMaking] = useState(false);
  const [key, setKey] = useState<string>();
  const [doomed, setDoomed] = useState<Row>();
  const making = useAct(
    (form: FormData) => {
      const body = { name: textOf(form, 'name'), role: textOf(form, 'role') as Role, email: textOf(form, 'email') || null };
      return api.POST('/api/admin/admins', { body });
    },
    (made) => {
      setMaking(false);
      setKey(made.key);
    },
  );
  const ending = useAct(
    (id: string) => api.DELETE('/api/admin/admins/{id}', { params: { path: { id } } }),
    () => setDoomed(undefined),
  );
  const columns: readonly Column<Row>[] = [
    { head: 'Name', cell: ({ name }) => name },
    { head: 'Role', cell: ({ role }) => role },
    { head: 'State', cell: ({ active }) => <State is={active ? 'active' : 'deactivated'} /> },
    { head: 'Mail', cell: ({ email }) => email ?? '—' },
    { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { head: 'Did', cell: ({ id }) => <Link to={`/audit?admin=${id}`}>audit</Link> },
    {
      head: 'Act',
      cell: (admin) =>
        admin.active && (
          <button type="button" className="grave" onClick={() => setDoomed(admin)} aria-label={`Deactivate ${admin.name}`}>
            Deactivate
          </button>
        ),
    },
  ];
  return (
    <>
      <div className="buttons left">
        <button type="button" className="main" onClick={() => setMaking(true)}>
          New admin
        </button>
      </div>
      <List name="Admins" of={admins} columns={columns} keyOf={({ id }) => id} empty="There is nobody." />
      {isMaking && (
        <Confirm
          title="New admin"
          act="Make"
          isBusy={making.isPending}
          error={making.error}
          onAct={making.mutate}
          onClose={() => setMaking(false)}
        >
          <Field label="Name" name="name" required maxLength={100} fault={faultAt(making.error, '/name')} />
          <Choice label="Role" name="role" of={ROLES} hint="Each may do all that the roles before it may" />
          <Field label="Mail" name="email" type="email" fault={faultAt(making.error, '/email')} />
        </Confirm>
      )}
      {doomed && (
        <Confirm
          title={`Deactivate ${doomed.name}`}
          act="Deactivate"
          isGrave
          isBusy={ending.isPending}
          error={ending.error}
          onAct={() => ending.mutate(doomed.id)}
          onClose={() => setDoomed(undefined)}
        >
          <p className="warning">Their keys and sessions open nothing from now on, for good.</p>
        </Confirm>
      )}
      {key && <Secret title="Their key" secret={key} onClose={() => setKey(undefined)} />}
    </>
  );
}
