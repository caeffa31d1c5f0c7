/** One endpoint: its health, its tries, its secret, and what was missed. */
import { useState } from 'react';
import { type Answer, api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, useAsk, usePages } from '../query.ts';
import { navigate } from '../router.tsx';
import { Facts, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Field } from '../ui/fields.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, List } from '../ui/Table.tsx';
import { healthOf } from './Endpoints.tsx';

type Found = Schemas['WebhookEndpoint'];

const TRIES: readonly Column<Schemas['WebhookAttempt']>[] = [
  { head: 'When', cell: ({ at }) => <Time at={at} /> },
  { head: 'Try', cell: ({ number }) => number, isNumber: true },
  { head: 'By', cell: ({ trigger }) => trigger },
  { head: 'Answer', cell: ({ statusCode, error }) => statusCode ?? error ?? 'none' },
  { head: 'Took', cell: ({ durationMs }) => `${durationMs} ms`, isNumber: true },
  { head: 'It said', cell: ({ response }) => response ?? '—' },
];

export function Endpoint({ id }: { readonly id: string }) {
  const params = { path: { id } };
  const endpoint = useAsk(['endpoint', id], () => api.GET('/api/v1/webhook-endpoints/{id}', { params }), { every: SELDOM_MS });
  const tries = usePages(
    ['tries', id],
    (query) => api.GET('/api/v1/webhook-endpoints/{id}/attempts', { params: { ...params, query } }),
    { every: SELDOM_MS },
  );
  return (
    <Shown of={endpoint}>
      {(found) => (
        <>
          <Acts endpoint={found} />
          <Facts
            of={{
              Address: found.url,
              Health: <State is={healthOf(found)} />,
              Since: found.health.since && <Time at={found.health.since} />,
              Waiting: found.health.waiting,
              'Tried next': found.health.nextTryAt && <Time at={found.health.nextTryAt} />,
              'Told of': found.eventTypes.join(', '),
              Disabled: found.disabled && (found.disabledReason ?? 'by you'),
              'The secret before signs too until': found.previousSecretUntil && <Time at={found.previousSecretUntil} />,
            }}
          />
          <Section title="Tries">
            <List name="Tries" of={tries} columns={TRIES} keyOf={(each) => each.id} empty="Nothing was sent to it yet." />
          </Section>
        </>
      )}
    </Shown>
  );
}

const ACTS = {
  pause: { label: 'Pause', says: 'What comes waits until it goes on.' },
  resume: { label: 'Let it go on', says: 'What waited is sent, in order.' },
  disable: { label: 'Disable', says: 'What comes from now on is not for it.' },
  enable: { label: 'Enable', says: 'What comes from now on is sent to it. What it missed: recover it.' },
  rotate: { label: 'Rotate the secret', says: 'A new secret signs from now on; the one before signs beside it for a day.' },
  recover: { label: 'Recover', says: 'What it missed since then is sent again.' },
  remove: { label: 'Delete', says: 'It is told nothing any more, for good.' },
} as const;
type ActName = keyof typeof ACTS;

function send(name: ActName, id: string, form: FormData): Promise<Answer<unknown>> {
  const path = { id };
  const params = { path, header: once() };
  switch (name) {
    case 'pause':
      return api.POST('/api/v1/webhook-endpoints/{id}/pause', { params, body: {} });
    case 'resume':
      return api.POST('/api/v1/webhook-endpoints/{id}/resume', { params, body: {} });
    case 'disable':
    case 'enable':
      return api.PATCH('/api/v1/webhook-endpoints/{id}', { params, body: { disabled: name === 'disable' } });
    case 'rotate':
      return api.POST('/api/v1/webhook-endpoints/{id}/secret/rotate', { params, body: {} });
    case 'recover': {
      const since = new Date(textOf(form, 'since')).toISOString();
      return api.POST('/api/v1/webhook-endpoints/{id}/recover', { params, body: { since } });
    }
    case 'remove':
      return api.DELETE('/api/v1/webhook-endpoints/{id}', { params: { path } });
  }
}

function Acts({ endpoint }: { readonly endpoint: Found }) {
  const { id, url, paused, disabled } = endpoint;
  const [chosen, choose] = useState<ActName>();
  const [secret, setSecret] = useState<string>();
  const [told, tell] = useState('');
  const doing = useAct(
    ({ name, form }: { readonly name: ActName; readonly form: FormData }) => send(name, id, form),
    (answer, { name }) => {
      choose(undefined);
      const { secret: made, deliveries } = (answer ?? {}) as { secret?: string; deliveries?: number };
      if (made) setSecret(made);
      if (name === 'recover') tell(`${deliveries} deliveries are on their way again.`);
      if (name === 'remove') navigate('/endpoints', { replace: true });
    },
  );
  const names: readonly ActName[] = [paused ? 'resume' : 'pause', disabled ? 'enable' : 'disable', 'rotate', 'recover', 'remove'];
  return (
    <div className="buttons left">
      {names.map((name) => (
        <button key={name} type="button" className={name === 'remove' ? 'grave' : undefined} onClick={() => choose(name)}>
          {ACTS[name].label}
        </button>
      ))}
      {told && <p role="status">{told}</p>}
      {chosen && (
        <Confirm
          title={`${ACTS[chosen].label}: ${url}`}
          act={ACTS[chosen].label}
          isGrave={chosen === 'remove'}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={(form) => doing.mutate({ name: chosen, form })}
          onClose={() => choose(undefined)}
        >
          <p>{ACTS[chosen].says}</p>
          {chosen === 'recover' && <Field label="Since" name="since" type="datetime-local" required />}
        </Confirm>
      )}
      {secret && <Secret title="The new secret" secret={secret} onClose={() => setSecret(undefined)} />}
    </div>
  );
}
