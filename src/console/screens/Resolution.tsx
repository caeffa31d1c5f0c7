/** How a market's resolution goes, and what a person may do about it. What takes money back asks for the market's name. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, useAsk } from '../query.ts';
import { useSession } from '../session.tsx';
import { Facts, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Field, Text } from '../ui/fields.tsx';
import { Shown } from '../ui/states.tsx';
import { Why } from './Why.tsx';

type Found = Schemas['AdminResolution'];
type ActName = keyof typeof ACTS;

interface Act {
  readonly label: string;
  readonly warning?: string;
  /** What must be said: a name of a field and its label. */
  readonly says?: readonly [name: 'reason' | 'note' | 'outcome', label: string];
}

const ACTS = {
  approve: {
    label: 'Approve',
    warning: 'It can be disputed for a time; then it is paid.',
  },
  reject: { label: 'Reject', says: ['reason', 'Why'] },
  uphold: { label: 'The outcome is right', warning: 'It is paid.' },
  overturn: {
    label: 'The outcome is wrong',
    says: ['outcome', 'What came true: the id of an option, yes, no or void'],
  },
  retry: { label: 'Go on' },
  rollback: {
    label: 'Take it all back',
    warning: 'All that was paid is taken back from every user, fees included.',
    says: ['reason', 'Why'],
  },
} as const satisfies Record<string, Act>;
const isAct = (action: string): action is ActName => Object.hasOwn(ACTS, action);

function send(name: ActName, id: string, form: FormData) {
  const params = { path: { id } };
  const reason = textOf(form, 'reason');
  switch (name) {
    case 'approve':
      return api.POST('/api/admin/resolutions/{id}/approve', { params, body: {} });
    case 'reject':
      return api.POST('/api/admin/resolutions/{id}/reject', { params, body: { reason } });
    case 'uphold':
      return api.POST('/api/admin/resolutions/{id}/uphold', { params, body: {} });
    case 'overturn':
      return api.POST('/api/admin/resolutions/{id}/overturn', { params, body: { outcome: textOf(form, 'outcome') } });
    case 'retry':
      return api.POST('/api/admin/resolutions/{id}/retry', { params, body: {} });
    case 'rollback':
      return api.POST('/api/admin/resolutions/{id}/rollback', { params, body: { reason } });
  }
}

interface ResolutionProps {
  readonly id: string;
  readonly market: Schemas['AdminMarket'];
}

export function Resolution({ id, market }: ResolutionProps) {
  const resolution = useAsk(['resolution', id], () => api.GET('/api/admin/resolutions/{id}', { params: { path: { id } } }), {
    every: OFTEN_MS,
  });
  const why = useAsk(['why', id], () => api.GET('/api/admin/resolutions/{id}/explain', { params: { path: { id } } }), {
    every: OFTEN_MS,
  });
  return (
    <Section title="Its resolution">
      <Shown of={resolution}>
        {(found) => (
          <>
            <Progress of={found} />
            <Shown of={why}>
              {(told) => (
                <>
                  <Acts id={id} title={market.title} actions={told.actions} />
                  <Why of={told} />
                </>
              )}
            </Shown>
          </>
        )}
      </Shown>
    </Section>
  );
}

function Progress({ of }: { readonly of: Found }) {
  const { progress, currency } = of;
  const { paidUsers, users, rolledBackUsers } = progress;
  return (
    <>
      <p>
        <State is={of.status} /> {of.needsOperator && <span className="chip bad">needs you</span>}
      </p>
      {users !== null && users > 0 && (
        <p>
          <progress max={users} value={paidUsers - rolledBackUsers} aria-label="Users who are paid" /> {paidUsers} of {users}{' '}
          users paid
          {rolledBackUsers > 0 && `, ${rolledBackUsers} taken back`}
        </p>
      )}
      <Facts
        of={{
          Says: of.outcome,
          Evidence: of.evidence,
          Paid: inWords(progress.amount, currency),
          Missing: of.missing && inWords(of.missing, currency),
          'Can be disputed until': of.disputableUntil && <Time at={of.disputableUntil} />,
          Because: of.reason,
          'Said by': of.resolvedBy,
          'Taken back by': of.rolledBackBy,
          Said: <Time at={of.createdAt} />,
          Ended: of.endedAt && <Time at={of.endedAt} />,
        }}
      />
    </>
  );
}

interface ActsProps {
  readonly id: string;
  readonly title: string;
  readonly actions: Schemas['Explanation']['actions'];
}

function Acts({ id, title, actions }: ActsProps) {
  const { who } = useSession();
  const [chosen, choose] = useState<ActName>();
  const doing = useAct(
    ({ name, form }: { readonly name: ActName; readonly form: FormData }) => send(name, id, form),
    () => choose(undefined),
  );
  const act: Act | undefined = chosen && ACTS[chosen];
  return (
    <div className="buttons left">
      {actions.map(({ action, allowed, mayYou, by, notBy }) => {
        if (!allowed || !isAct(action)) return null;
        const why = notBy.find((each) => each.id === who.id)?.why ?? `it needs the role ${by}`;
        return (
          <button
            key={action}
            type="button"
            disabled={!mayYou}
            title={mayYou ? undefined : `Not you: ${why}`}
            onClick={() => choose(action)}
          >
            {ACTS[action].label}
          </button>
        );
      })}
      {chosen && act && (
        <Confirm
          title={`${act.label}: ${title}`}
          act={act.label}
          isGrave={chosen === 'rollback'}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={(form) => doing.mutate({ name: chosen, form })}
          onClose={() => choose(undefined)}
        >
          {act.warning && <p className="warning">{act.warning}</p>}
          {act.says && <Text label={act.says[1]} name={act.says[0]} required maxLength={500} rows={2} />}
          {chosen === 'rollback' && (
            <Field label={`Type the market’s name: ${title}`} name="title" required pattern={exactly(title)} autoComplete="off" />
          )}
        </Confirm>
      )}
    </div>
  );
}

/** As a pattern of a field: this text, whatever characters are in it. */
const exactly = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
