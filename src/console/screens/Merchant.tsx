/** One merchant: its terms, its keys, and whether it is open. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { useAct, useAsk, usePages } from '../query.ts';
import { Link } from '../router.tsx';
import { Facts, Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Choice } from '../ui/fields.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Detail = Schemas['MerchantDetail'];
type Key = Schemas['ApiKey'];

export function Merchant({ id }: { readonly id: string }) {
  const merchant = useAsk(['merchant', id], () => api.GET('/api/admin/merchants/{id}', { params: { path: { id } } }));
  return (
    <Shown of={merchant}>
      {(found) => (
        <>
          <Terms merchant={found} />
          <Keys merchantId={id} />
        </>
      )}
    </Shown>
  );
}

function Terms({ merchant }: { readonly merchant: Detail }) {
  const { id, active, name, fee, reviewLimits, flows, debts } = merchant;
  const [isAsking, setAsking] = useState(false);
  const turning = useAct(
    () => api.PATCH('/api/admin/merchants/{id}', { params: { path: { id } }, body: { active: !active } }),
    () => setAsking(false),
  );
  const title = active ? `Close ${name}` : `Open ${name} again`;
  return (
    <>
      <div className="buttons left">
        <button type="button" className={active ? 'grave' : 'main'} onClick={() => setAsking(true)}>
          {active ? 'Close' : 'Open again'}
        </button>
        <Link to={`/?merchantId=${id}`}>its payouts</Link>
      </div>
      <Facts
        of={{
          Name: name,
          State: <State is={active ? 'active' : 'closed'} />,
          Mail: merchant.email,
          Fee: `${fee.bps / 100} %${Object.entries(fee.fixed).map(([currency, each]) => ` + ${inWords(each, currency)}`)}`,
          'Reviewed from': Object.entries(reviewLimits).flatMap(([currency, each]) =>
            each ? [<div key={currency}>{inWords(each, currency)}</div>] : [],
          ),
          Flows: Object.entries(flows)
            .flatMap(([flow, isOn]) => (isOn ? [flow] : []))
            .join(', '),
          Owes:
            debts.length > 0 &&
            debts.map(({ debt, currency, mode }) => <div key={currency + mode}>{`${inWords(debt, currency)} (${mode})`}</div>),
          'Hosted pages lead back to': merchant.pageOrigins.join(', '),
          Since: <Time at={merchant.createdAt} />,
        }}
      />
      {isAsking && (
        <Confirm
          title={title}
          act={title}
          isGrave={active}
          isBusy={turning.isPending}
          error={turning.error}
          onAct={() => turning.mutate(undefined)}
          onClose={() => setAsking(false)}
        >
          <p>
            {active ? 'Its keys open nothing from now on; what is under way goes on.' : 'Its keys open again what they opened.'}
          </p>
        </Confirm>
      )}
    </>
  );
}

function Keys({ merchantId }: { readonly merchantId: string }) {
  const params = { path: { id: merchantId } };
  const keys = usePages(['keys', merchantId], (query) =>
    api.GET('/api/admin/merchants/{id}/api-keys', { params: { ...params, query } }),
  );
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [doomed, setDoomed] = useState<Key>();
  const making = useAct(
    (form: FormData) => {
      const mode = textOf(form, 'mode') === 'live' ? ('live' as const) : ('test' as const);
      return api.POST('/api/admin/merchants/{id}/api-keys', { params, body: { mode } });
    },
    (made) => {
      setMaking(false);
      setSecret(made.key);
    },
  );
  const revoking = useAct(
    (id: string) => api.DELETE('/api/admin/api-keys/{id}', { params: { path: { id } } }),
    () => setDoomed(undefined),
  );
  const columns: readonly Column<Key>[] = [
    { head: 'Key', cell: ({ prefix, last4 }) => <code>{`${prefix}…${last4}`}</code> },
    { head: 'Mode', cell: ({ mode }) => mode },
    { head: 'May', cell: ({ scopes }) => (scopes.length === 0 ? 'everything' : scopes.join(', ')) },
    { head: 'Issued by', cell: ({ createdBy }) => (createdBy ? <Id of={createdBy} /> : '—') },
    { head: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      head: 'Ends',
      cell: ({ expiresAt, revokedAt }) =>
        revokedAt ? (
          <>
            revoked <Time at={revokedAt} />
          </>
        ) : (
          <Time at={expiresAt} />
        ),
    },
    {
      head: 'Act',
      cell: (key) =>
        key.revokedAt === null && (
          <button type="button" className="grave" onClick={() => setDoomed(key)} aria-label={`Revoke ${key.prefix}…${key.last4}`}>
            Revoke
          </button>
        ),
    },
  ];
  return (
    <Section title="Keys">
      <div className="buttons left">
        <button type="button" onClick={() => setMaking(true)}>
          New key
        </button>
      </div>
      <List name="Keys" of={keys} columns={columns} keyOf={({ id }) => id} empty="It has no key yet." />
      {isMaking && (
        <Confirm
          title="New key"
          act="Make it"
          isBusy={making.isPending}
          error={making.error}
          onAct={making.mutate}
          onClose={() => setMaking(false)}
        >
          <Choice
            label="Mode"
            name="mode"
            of={['test', 'live']}
            hint="You stand for what is paid with it: somebody else must approve that."
          />
        </Confirm>
      )}
      {doomed && (
        <Confirm
          title={`Revoke ${doomed.prefix}…${doomed.last4}`}
          act="Revoke"
          isGrave
          isBusy={revoking.isPending}
          error={revoking.error}
          onAct={() => revoking.mutate(doomed.id)}
          onClose={() => setDoomed(undefined)}
        >
          <p className="warning">It opens nothing from now on, for good, and with it the providers’ keys that it made.</p>
        </Confirm>
      )}
      {secret && <Secret title="The key" secret={secret} onClose={() => setSecret(undefined)} />}
    </Section>
  );
}
