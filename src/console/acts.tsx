/** What a person may do to a payout, as data: what must be said, and what of it cannot be undone. Whether they may, the API explains. */
import { useState } from 'react';
import { ACTION_ROLES } from '../rules/roles.ts';
import { api, type Schemas } from './api.ts';
import { useAct } from './query.ts';
import { payeeInWords } from './screens/payee.tsx';
import { useMay, useSession } from './session.tsx';
import { inWords } from './ui/bits.tsx';
import { Confirm, textOf } from './ui/Dialog.tsx';
import { Choice, Field, Text } from './ui/fields.tsx';

type Detail = Schemas['PayoutDetail'];
export type ActName =
  | 'approve'
  | 'reject'
  | 'hold'
  | 'release'
  | 'send-now'
  | 'look-up-now'
  | 'give-up'
  | 'route'
  | 'resolve'
  | 'retry'
  | 'acknowledge';

interface Act {
  readonly label: string;
  /** What of it cannot be undone. */
  readonly warning?: string;
  readonly isGrave?: boolean;
  /** What must be said: a name of a field and its label. */
  readonly says?: readonly [name: 'reason' | 'note' | 'evidence', label: string];
}

export const ACTS: Readonly<Record<ActName, Act>> = {
  approve: {
    label: 'Approve',
    warning: 'It is paid as soon as it is its turn. What is with a PSP cannot be called back.',
  },
  reject: {
    label: 'Reject',
    isGrave: true,
    warning: 'It ends for good; its money is available again.',
    says: ['reason', 'Why'],
  },
  hold: { label: 'Hold', says: ['reason', 'Why'] },
  release: { label: 'Release' },
  resolve: {
    label: 'Resolve',
    isGrave: true,
    warning: 'Your word is taken for proof: “not paid” gives the money back, and if it was paid, it is gone.',
    says: ['evidence', 'What shows it (a statement, a ticket of the PSP)'],
  },
  'send-now': { label: 'Send now', warning: 'It does not wait for its time or a run. A pause holds it all the same.' },
  'look-up-now': { label: 'Look up now' },
  'give-up': {
    label: 'Wait no longer',
    warning: 'An operator must find out what became of it, and resolve it.',
    says: ['reason', 'Why'],
  },
  route: {
    label: 'Another PSP',
    warning: 'Only while all that was ever sent is proven dead: else it is refused.',
    says: ['reason', 'Why'],
  },
  retry: { label: 'Try again' },
  acknowledge: {
    label: 'It is dealt with',
    says: ['note', 'What was done'],
  },
};

function send(name: ActName, id: string, form: FormData) {
  const params = { path: { id } };
  const said = { reason: textOf(form, 'reason'), note: textOf(form, 'note'), evidence: textOf(form, 'evidence') };
  const attempts = textOf(form, 'attempts').split(/[ ,]+/).filter(Boolean).map(Number);
  const outcome = textOf(form, 'outcome') === 'paid' ? ('paid' as const) : ('not_paid' as const);
  switch (name) {
    case 'approve':
      return api.POST('/api/admin/payouts/{id}/approve', { params, body: { note: said.note || null } });
    case 'reject':
      return api.POST('/api/admin/payouts/{id}/reject', { params, body: { reason: said.reason } });
    case 'hold':
      return api.POST('/api/admin/payouts/{id}/hold', { params, body: { reason: said.reason } });
    case 'release':
      return api.POST('/api/admin/payouts/{id}/release', { params, body: {} });
    case 'send-now':
      return api.POST('/api/admin/payouts/{id}/send-now', { params, body: {} });
    case 'look-up-now':
      return api.POST('/api/admin/payouts/{id}/look-up-now', { params, body: {} });
    case 'give-up':
      return api.POST('/api/admin/payouts/{id}/give-up', { params, body: { reason: said.reason } });
    case 'route':
      return api.POST('/api/admin/payouts/{id}/route', { params, body: { psp: textOf(form, 'psp'), reason: said.reason } });
    case 'retry':
      return api.POST('/api/admin/payouts/{id}/retry', { params, body: {} });
    case 'acknowledge':
      return api.POST('/api/admin/payouts/{id}/acknowledge', { params, body: { note: said.note } });
    case 'resolve': {
      const body = { outcome, evidence: said.evidence, ...(attempts.length > 0 && { attempts }) };
      return api.POST('/api/admin/payouts/{id}/resolve', { params, body });
    }
  }
}

/** What is decided on: enough of a payout to name it. */
export type Decidable = Pick<Detail, 'id' | 'amount' | 'currency' | 'destination' | 'reference' | 'makerId'>;

/** Why whoever is signed in may not; undefined: they may. */
export function useWhyNot(): (name: 'approve' | 'reject', payout: Decidable) => string | undefined {
  const may = useMay();
  const { who } = useSession();
  return (name, { makerId }) => {
    if (!may(name)) return `This needs the role ${ACTION_ROLES[name]}.`;
    return makerId === who.id ? 'You issued the key that made it: somebody else must decide.' : undefined;
  };
}

interface DecisionProps {
  readonly name: ActName;
  readonly payout: Decidable;
  readonly onClose: () => void;
}

/** Names what is about to happen to whose money, asks for what must be said, and does it. */
export function Decision({ name, payout, onClose }: DecisionProps) {
  const { label, warning, isGrave = false, says } = ACTS[name];
  const doing = useAct((form: FormData) => send(name, payout.id, form), onClose);
  return (
    <Confirm
      title={`${label}: ${payout.reference}`}
      act={label}
      isGrave={isGrave}
      isBusy={doing.isPending}
      error={doing.error}
      onAct={doing.mutate}
      onClose={onClose}
    >
      <p className="big">{inWords(payout.amount, payout.currency)}</p>
      <p>to {payeeInWords(payout.destination)}</p>
      {warning && <p className="warning">{warning}</p>}
      {name === 'resolve' && (
        <>
          <Choice label="Outcome" name="outcome" of={{ not_paid: 'it was not paid', paid: 'it was paid' }} />
          <Field
            label="Of which attempts"
            name="attempts"
            pattern="[0-9 ,]*"
            hint="Their numbers, where several are without proof"
          />
        </>
      )}
      {name === 'route' && <Field label="Its name" name="psp" required maxLength={128} hint="As under PSPs" />}
      {says && <Text label={says[1]} name={says[0]} required maxLength={500} rows={3} />}
      {name === 'approve' && <Field label="Note" name="note" maxLength={500} hint="May be left out" />}
    </Confirm>
  );
}

type Actions = Schemas['Explanation']['actions'];

/** The buttons of a payout: what its state allows, and to whom it is not given, why not. */
export function Acts({ payout, actions }: { readonly payout: Detail; readonly actions: Actions }) {
  const [chosen, choose] = useState<ActName>();
  const { who } = useSession();
  const legal = actions.flatMap(({ action, allowed, mayYou, by, notBy }) => {
    // There is always a word to be said of it; a button only where one is waited for.
    if (!allowed || !isAct(action) || (action === 'acknowledge' && !payout.needsOperator)) return [];
    const own = notBy.find(({ id }) => id === who.id)?.why;
    return [
      { name: action, why: mayYou ? undefined : own ? `You may not: who ${own} does not decide.` : `This needs the role ${by}.` },
    ];
  });
  return (
    <div className="buttons left">
      {legal.map(({ name, why }) => (
        <button
          key={name}
          type="button"
          disabled={why !== undefined}
          title={why}
          className={ACTS[name].isGrave ? 'grave' : 'main'}
          onClick={() => choose(name)}
        >
          {ACTS[name].label}
        </button>
      ))}
      {[...new Set(legal.flatMap(({ why }) => why ?? []))].map((why) => (
        <small key={why} className="faint">
          {why}
        </small>
      ))}
      {chosen && <Decision name={chosen} payout={payout} onClose={() => choose(undefined)} />}
    </div>
  );
}

const isAct = (action: string): action is ActName => Object.hasOwn(ACTS, action);
