/** One game: why it stands as it does, its sides, whom it could not settle, and what a person may do about it. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, useAsk } from '../query.ts';
import { Facts, Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Text } from '../ui/fields.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { Table } from '../ui/Table.tsx';
import { Why } from './Why.tsx';

type Game = Schemas['AdminWholeGame'];
type Actions = Schemas['Explanation']['actions'];

const ACTS = {
  retry: { label: 'Settle the rest', warning: 'Whoever could not be settled is tried again.', says: undefined },
  void: {
    label: 'Undo the game',
    warning: 'All stakes go back and all winnings too. It cannot be undone.',
    says: ['reason', 'Why'],
  },
  acknowledge: { label: 'It is dealt with', warning: undefined, says: ['note', 'What was done'] },
} as const;
type ActName = keyof typeof ACTS;
const isAct = (action: string): action is ActName => Object.hasOwn(ACTS, action);

function send(name: ActName, id: string, form: FormData) {
  const params = { path: { id } };
  switch (name) {
    case 'retry':
      return api.POST('/api/admin/games/{id}/retry', { params, body: {} });
    case 'void':
      return api.POST('/api/admin/games/{id}/void', { params, body: { reason: textOf(form, 'reason') } });
    case 'acknowledge':
      return api.POST('/api/admin/games/{id}/acknowledge', { params, body: { note: textOf(form, 'note') } });
  }
}

export function AdminGame({ id }: { readonly id: string }) {
  const params = { path: { id } };
  const game = useAsk(['game', id], () => api.GET('/api/admin/games/{id}', { params }), { every: OFTEN_MS });
  const why = useAsk(['why', id], () => api.GET('/api/admin/games/{id}/explain', { params }), { every: OFTEN_MS });
  return (
    <Shown of={game}>
      {(found) => (
        <>
          <p className="big">
            {found.type.replaceAll('_', ' ')} <State is={found.status} />
          </p>
          <Shown of={why}>
            {(told) => (
              <>
                <Acts id={id} actions={told.actions} />
                <Why of={told} />
              </>
            )}
          </Shown>
          <About game={found} />
        </>
      )}
    </Shown>
  );
}

function About({ game }: { readonly game: Game }) {
  const { currency, sides, failed, failedCount } = game;
  return (
    <>
      <Facts
        of={{
          Winner: game.winner,
          'Undone because': game.voidReason,
          Merchant: <Id of={game.merchantId} />,
          Mode: game.livemode ? 'live' : 'test',
          Opened: <Time at={game.createdAt} />,
          Completed: game.completedAt && <Time at={game.completedAt} />,
          Ended: game.endedAt && <Time at={game.endedAt} />,
        }}
      />
      <Section title="Sides">
        <Table
          name="Sides"
          rows={sides}
          keyOf={({ side }) => side}
          columns={[
            { head: 'Side', cell: ({ side }) => side },
            { head: 'Pays', cell: ({ multiplier }) => `${multiplier} ×`, isNumber: true },
            { head: 'Stakes', cell: ({ stakes }) => inWords(stakes, currency), isNumber: true },
          ]}
        />
      </Section>
      <Section title="Could not be settled">
        {failed.length === 0 ? (
          <Empty>Nobody.</Empty>
        ) : (
          <>
            <p>{failedCount > failed.length ? `${failedCount} users; the first of them:` : `${failedCount} users`}</p>
            <Table
              name="Users who could not be settled"
              rows={failed}
              keyOf={({ userId }) => userId}
              columns={[
                { head: 'User', cell: ({ userId }) => <Id of={userId} /> },
                { head: 'Because', cell: ({ reason }) => reason.replaceAll('_', ' ') },
              ]}
            />
          </>
        )}
      </Section>
    </>
  );
}

function Acts({ id, actions }: { readonly id: string; readonly actions: Actions }) {
  const [chosen, choose] = useState<ActName>();
  const doing = useAct(
    ({ name, form }: { readonly name: ActName; readonly form: FormData }) => send(name, id, form),
    () => choose(undefined),
  );
  const legal = actions.flatMap(({ action, allowed, mayYou, by }) =>
    allowed && isAct(action) ? [{ name: action, mayYou, by }] : [],
  );
  return (
    <div className="buttons left">
      {legal.map(({ name, mayYou, by }) => (
        <button
          key={name}
          type="button"
          disabled={!mayYou}
          title={mayYou ? undefined : `This needs the role ${by}.`}
          onClick={() => choose(name)}
        >
          {ACTS[name].label}
        </button>
      ))}
      {chosen && (
        <Confirm
          title={ACTS[chosen].label}
          act={ACTS[chosen].label}
          isGrave={chosen === 'void'}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={(form) => doing.mutate({ name: chosen, form })}
          onClose={() => choose(undefined)}
        >
          {ACTS[chosen].warning && <p className="warning">{ACTS[chosen].warning}</p>}
          {ACTS[chosen].says && (
            <Text label={ACTS[chosen].says[1]} name={ACTS[chosen].says[0]} required maxLength={500} rows={3} />
          )}
        </Confirm>
      )}
    </div>
  );
}
