/** A merchant's own keys, of the mode it is signed in with: a new one is shown once. */
import { useState } from 'react';
import { SCOPES } from '../../rules/scopes.ts';
import { api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, usePages } from '../query.ts';
import { useSession } from '../session.tsx';
import { Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Key = Schemas['ApiKey'];

const nameOf = ({ prefix, last4 }: Key): string => `${prefix}…${last4}`;

export function Keys() {
  const { who } = useSession();
  const keys = usePages(['keys'], (query) => api.GET('/api/v1/api-keys', { params: { query } }), { every: SELDOM_MS });
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [doomed, setDoomed] = useState<Key>();
  const revoking = useAct(
    (id: string) => api.DELETE('/api/v1/api-keys/{id}', { params: { path: { id } } }),
    () => setDoomed(undefined),
  );
  const columns: readonly Column<Key>[] = [
    {
      head: 'Key',
      cell: (key) => (
        <>
          <code>{nameOf(key)}</code> {key.id === who.keyId && <span className="chip quiet">signed in with</span>}
        </>
      ),
    },
    { head: 'May', cell: ({ scopes }) => (scopes.length === 0 ? 'everything' : scopes.join(', ')) },
    { head: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      head: 'Ends',
      cell: ({ expiresAt, revokedAt }) => (
        <>
          {revokedAt && 'revoked '}
          <Time at={revokedAt ?? expiresAt} />
        </>
      ),
    },
    {
      head: 'Act',
      cell: (key) =>
        key.revokedAt === null && (
          <button type="button" className="grave" onClick={() => setDoomed(key)} aria-label={`Revoke ${nameOf(key)}`}>
            Revoke
          </button>
        ),
    },
  ];
  return (
    <>
      <div className="buttons left">
        <button type="button" onClick={() => setMaking(true)}>
          New key
        </button>
      </div>
      <List name="Keys" of={keys} columns={columns} keyOf={({ id }) => id} empty="There is no key of this mode." />
      {isMaking && (
        <NewKey
          onMade={(key) => {
            setMaking(false);
            setSecret(key);
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {doomed && (
        <Confirm
          title={`Revoke ${nameOf(doomed)}`}
          act="Revoke"
          isGrave
          isBusy={revoking.isPending}
          error={revoking.error}
          onAct={() => revoking.mutate(doomed.id)}
          onClose={() => setDoomed(undefined)}
        >
          <p className="warning">It opens nothing from now on, for good, and with it the providers’ keys that it made.</p>
          {doomed.id === who.keyId && <p className="warning">You are signed in with it: you are signed out at once.</p>}
        </Confirm>
      )}
      {secret && <Secret title="The key" secret={secret} onClose={() => setSecret(undefined)} />}
    </>
  );
}

interface NewKeyProps {
  readonly onMade: (key: string) => void;
  readonly onClose: () => void;
}

function NewKey({ onMade, onClose }: NewKeyProps) {
  const making = useAct(
    (form: FormData) => {
      const scopes = SCOPES.filter((scope) => form.getAll('scopes').includes(scope));
      const until = textOf(form, 'expiresAt');
      const body = { ...(scopes.length > 0 && { scopes }), ...(until && { expiresAt: new Date(until).toISOString() }) };
      return api.POST('/api/v1/api-keys', { params: { header: once() }, body });
    },
    ({ key }) => onMade(key),
  );
  return (
    <Confirm title="New key" act="Make it" isBusy={making.isPending} error={making.error} onAct={making.mutate} onClose={onClose}>
      <fieldset>
        <legend>It may (nothing chosen: all that you may)</legend>
        {SCOPES.map((scope) => (
          <label key={scope} className="choice">
            <input type="checkbox" name="scopes" value={scope} /> {scope}
          </label>
        ))}
      </fieldset>
      <Field
        label="Until"
        name="expiresAt"
        type="datetime-local"
        hint="May be left out"
        fault={faultAt(making.error, '/expiresAt')}
      />
    </Confirm>
  );
}
