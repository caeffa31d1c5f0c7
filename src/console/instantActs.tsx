/** What an operator may do to withdrawals, slices and late proofs, as data. Whether they may, the API says, and decides each time. */
import { type ReactNode, useState } from 'react';
import { api } from './api.ts';
import { useAct } from './query.ts';
import { Confirm, textOf } from './ui/Dialog.tsx';
import { Text } from './ui/fields.tsx';

interface InstantAct {
  readonly label: string;
  /** What of it cannot be undone. */
  readonly warning: string;
  readonly isGrave?: boolean;
  /** What must be said; where it `may` be left out, so. */
  readonly says?: readonly [name: 'reason' | 'note', label: string, may?: 'may'];
  /** It is refused where the payee's bank has the very payment, unless this is said, too. */
  readonly mayBeAgainstBank?: boolean;
}

const WHY = ['note', 'Why'] as const;

export const INSTANT_ACTS = {
  cancel: {
    label: 'Give out no more slices',
    warning: 'What nobody has comes back to the payee at once; what somebody has is waited for.',
    isGrave: true,
    says: ['reason', 'Why'],
  },
  approve: {
    label: 'Approve',
    warning: 'The slice counts as paid for good, and its payer is credited.',
    says: ['note', 'Note', 'may'],
  },
  reject: {
    label: 'Reject',
    warning: 'The slice counts as not paid for good; what its payer was credited is taken back.',
    isGrave: true,
    says: ['reason', 'Why'],
    mayBeAgainstBank: true,
  },
  'approve-disputed': { label: 'It was paid', warning: 'The dispute is over: the slice counts as paid for good.', says: WHY },
  'reject-disputed': {
    label: 'It was not paid',
    warning: 'The dispute is over: the slice counts as not paid, and what its payer was credited is taken back.',
    isGrave: true,
    says: WHY,
    mayBeAgainstBank: true,
  },
  reassign: {
    label: 'Take it from its payer',
    warning: 'Somebody else gets it. A proof that the payer still shows is not lost.',
  },
  credit: {
    label: 'Credit the payer',
    warning: 'Out of what the payee has available; the rest the payee owes from now on.',
    isGrave: true,
    says: WHY,
  },
  refund: { label: 'The payee gave it back', warning: 'Nothing moves here: the payer has the money again.', says: WHY },
  'reject-late': {
    label: 'It was never paid',
    warning: 'Nothing moves, and the payer is credited nothing.',
    isGrave: true,
    says: WHY,
    mayBeAgainstBank: true,
  },
  'looked-at': { label: 'It is looked at', warning: 'Nothing moves, and nobody is shown it any more.', says: WHY },
} as const satisfies Record<string, InstantAct>;
export type InstantActName = keyof typeof INSTANT_ACTS;

/** @param id of the withdrawal, the slice, of a late proof the payin, or the bank credit. */
function send(name: InstantActName, id: string, form: FormData) {
  const params = { path: { id } };
  const [reason, note] = [textOf(form, 'reason'), textOf(form, 'note')];
  const againstBank = form.has('againstBank');
  switch (name) {
    case 'cancel':
      return api.POST('/api/admin/instant-payouts/{id}/cancel', { params, body: { reason } });
    case 'approve':
      return api.POST('/api/admin/instant-payouts/batches/{id}/approve', { params, body: note ? { note } : {} });
    case 'reject':
      return api.POST('/api/admin/instant-payouts/batches/{id}/reject', { params, body: { reason, againstBank } });
    case 'approve-disputed':
      return api.POST('/api/admin/instant-payouts/disputes/{id}', { params, body: { decision: 'approve', note } });
    case 'reject-disputed':
      return api.POST('/api/admin/instant-payouts/disputes/{id}', { params, body: { decision: 'reject', note, againstBank } });
    case 'reassign':
      return api.POST('/api/admin/instant-payouts/batches/{id}/reassign', { params, body: {} });
    case 'credit':
    case 'refund':
      return api.POST('/api/admin/instant-payouts/late-proofs/{id}', { params, body: { decision: name, note } });
    case 'reject-late':
      return api.POST('/api/admin/instant-payouts/late-proofs/{id}', { params, body: { decision: 'reject', note, againstBank } });
    case 'looked-at':
      return api.POST('/api/admin/instant-payouts/bank-credits/{id}', { params, body: { note } });
  }
}

interface InstantActsProps {
  readonly id: string;
  readonly names: readonly InstantActName[];
  /** What is decided on: whose money, how much. */
  readonly children: ReactNode;
}

/** The buttons, and the dialog that names what is about to happen. */
export function InstantActs({ id, names, children }: InstantActsProps) {
  const [chosen, choose] = useState<InstantActName>();
  const doing = useAct<{ readonly name: InstantActName; readonly form: FormData }, unknown>(
    ({ name, form }) => send(name, id, form),
    () => choose(undefined),
  );
  const act: InstantAct | undefined = chosen && INSTANT_ACTS[chosen];
  return (
    <div className="buttons left">
      {names.map((name) => {
        const { label, isGrave }: InstantAct = INSTANT_ACTS[name];
        return (
          <button key={name} type="button" className={isGrave ? 'grave' : 'main'} onClick={() => choose(name)}>
            {label}
          </button>
        );
      })}
      {chosen && act && (
        <Confirm
          title={act.label}
          act={act.label}
          isGrave={act.isGrave ?? false}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={(form) => doing.mutate({ name: chosen, form })}
          onClose={() => choose(undefined)}
        >
          {children}
          <p className="warning">{act.warning}</p>
          {act.says && (
            <Text
              label={act.says[1]}
              name={act.says[0]}
              required={act.says[2] === undefined}
              hint={act.says[2] && 'May be left out'}
              maxLength={500}
              rows={3}
            />
          )}
          {act.mayBeAgainstBank && (
            <label>
              <input type="checkbox" name="againstBank" /> Also if the payee’s bank has this very payment
            </label>
          )}
        </Confirm>
      )}
    </div>
  );
}
