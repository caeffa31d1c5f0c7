/** Who is signed in, where else, and how to sign out; for admins also how the Temporal UI shows what it is not told. */
import { useMutation } from '@tanstack/react-query';
import { api, type Schemas } from '../api.ts';
import { useAct, usePages } from '../query.ts';
import { signOut, useSession } from '../session.tsx';
import { Facts, Id, Section, Time } from '../ui/bits.tsx';
import { Failed } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Row = Schemas['SessionRow'];

export function Account() {
  const { who, expiresAt, temporalUi } = useSession();
  const leaving = useMutation({ mutationFn: (everywhere: boolean) => signOut({ everywhere }) });
  const sessions = usePages(['sessions'], () => api.GET('/console/sessions'));
  const ending = useAct((id: string) => api.DELETE('/console/sessions/{id}', { params: { path: { id } } }));
  const columns: readonly Column<Row>[] = [
    { head: 'Browser', cell: ({ browser }) => browser || 'does not say' },
    { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { head: 'Last used', cell: ({ seenAt }) => <Time at={seenAt} /> },
    {
      head: 'Act',
      cell: ({ id, isThis, browser }) =>
        isThis ? (
          'this one'
        ) : (
          <button type="button" onClick={() => ending.mutate(id)} aria-label={`Sign out ${browser}`}>
            Sign out
          </button>
        ),
    },
  ];
  return (
    <>
      <Facts
        of={{
          Name: who.name,
          Role: who.role,
          Mode: who.mode,
          May: who.kind === 'merchant' && (who.scopes.length === 0 ? 'everything' : who.scopes.join(', ')),
          Id: <Id of={who.id} />,
          Key: <Id of={who.keyId} />,
          Until: <Time at={expiresAt} />,
        }}
      />
      <div className="buttons left">
        <button type="button" className="main" onClick={() => leaving.mutate(false)}>
          Sign out
        </button>
        <button type="button" className="grave" onClick={() => leaving.mutate(true)}>
          Sign out everywhere
        </button>
      </div>
      {leaving.error && <Failed error={leaving.error} />}
      <Section title="Where this key is signed in">
        <List name="Sessions" of={sessions} columns={columns} keyOf={({ id }) => id} empty="Nowhere." />
      </Section>
      {temporalUi && (
        <Section title="The Temporal UI">
          <p>
            What workflows carry is encrypted. Once in each browser, let the Temporal UI show it to whoever is signed in here:
          </p>
          <ol>
            <li>
              Open it at{' '}
              <a href={temporalUi.url} target="_blank" rel="noreferrer">
                {temporalUi.url}
              </a>
              ; under another name it cannot ask.
            </li>
            <li>Press the glasses at the top right.</li>
            <li>
              Choose <em>Use my browser setting and ignore Cluster-level setting</em>.
            </li>
            <li>
              Paste this endpoint: <Id of={temporalUi.codecEndpoint} isWhole />
            </li>
            <li>
              Switch on <em>Include cross-origin credentials</em>, and press <em>Apply</em>.
            </li>
          </ol>
          <p className="faint">
            Red glasses and “Codec Server could not connect” mean that one of these is missing, or that you are signed out. Where
            the UI runs with <code>TEMPORAL_CODEC_INCLUDE_CREDENTIALS=true</code>, signing in is all.
          </p>
        </Section>
      )}
    </>
  );
}
