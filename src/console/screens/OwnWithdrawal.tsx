/** A withdrawal as its payee's merchant sees it, and what that one says for the payee: received, or not. */
import { type ReactNode, useState } from 'react';
import { api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, useAsk } from '../query.ts';
import { Facts, Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Text } from '../ui/fields.tsx';
import { Shown } from '../ui/states.tsx';
import { ProofImage } from './ProofImage.tsx';
import { Why } from './Why.tsx';

type Whole = Schemas['WholeInstantPayout'];
type Batch = Schemas['InstantPayoutBatch'];

const ACTS = {
  cancel: {
    label: 'Give out no more slices',
    warning: 'What nobody has comes back to the payee at once; what somebody has is waited for.',
  },
  confirm: { label: 'It was received', warning: 'The slice is paid for good.' },
  reject: { label: 'It was not received', warning: 'Nothing of it moves until an operator has decided.' },
} as const;
type ActName = keyof typeof ACTS;

/** @param id of the withdrawal, or of the slice. */
function send(name: ActName, id: string, payee: string, form: FormData) {
  const params = { path: { id }, header: once() };
  switch (name) {
    case 'cancel':
      return api.POST('/api/v1/instant-payouts/{id}/cancel', { params, body: {} });
    case 'confirm':
      return api.POST('/api/v1/instant-payouts/batches/{id}/confirm', { params, body: { by: payee } });
    case 'reject':
      return api.POST('/api/v1/instant-payouts/batches/{id}/reject', { params, body: { reason: textOf(form, 'reason') } });
  }
}

export function OwnWithdrawal({ id }: { readonly id: string }) {
  const params = { path: { id } };
  const found = useAsk(['withdrawal', id], () => api.GET('/api/v1/instant-payouts/{id}', { params }), { every: SELDOM_MS });
  const why = useAsk(['why', id], () => api.GET('/api/v1/instant-payouts/{id}/explain', { params }), { every: SELDOM_MS });
  const mayCancel = why.data?.actions.some(({ action, mayYou }) => action === 'cancel' && mayYou) ?? false;
  return (
    <Shown of={found}>
      {(whole) => (
        <>
          <p className="big" role="status">
            {inWords(whole.totalAmount, whole.currency)} <State is={whole.status} />
          </p>
          <Acts names={mayCancel ? ['cancel'] : []} id={id} payee={whole.userId}>
            <p className="big">{inWords(whole.remaining, whole.currency)} are not paid yet</p>
          </Acts>
          {why.data && <Why of={why.data} />}
          <Facts
            of={{
              Reference: whole.reference,
              Paid: inWords(whole.instantPaid, whole.currency),
              'Is paid to': `${whole.payee.label} (${whole.payee.type})`,
              Payee: <Id of={whole.userId} />,
              'Its wallet': whole.walletStatus === 'lock' ? 'locked until it is over' : 'unlocked',
              Receipt: whole.receiptId,
              Created: <Time at={whole.createdAt} />,
              Ended: whole.completedAt && <Time at={whole.completedAt} />,
              Id: <Id of={whole.id} />,
            }}
          />
          {whole.batches.map((batch) => (
            <SliceOf key={batch.id} whole={whole} batch={batch} />
          ))}
        </>
      )}
    </Shown>
  );
}

const SAYABLE: readonly Batch['status'][] = ['proof_submitted', 'sys_confirmed'];

function SliceOf({ whole, batch }: { readonly whole: Whole; readonly batch: Batch }) {
  const names: readonly ActName[] = SAYABLE.includes(batch.status)
    ? ['confirm', 'reject']
    : batch.status === 'disputed'
      ? ['confirm']
      : [];
  return (
    <Section title={`Slice ${batch.number}`}>
      <p>
        <strong>{inWords(batch.amount, batch.currency)}</strong> <State is={batch.status} />
      </p>
      <Acts names={names} id={batch.id} payee={whole.userId}>
        <p className="big">{inWords(batch.amount, batch.currency)}</p>
        {batch.utr && <p>under the UTR {batch.utr}</p>}
      </Acts>
      <Facts
        of={{
          UTR: batch.utr,
          'Its payer pays until': batch.status === 'assigned' && batch.payUntil ? <Time at={batch.payUntil} /> : null,
          Receipt: batch.receiptId,
          Confirmed: batch.confirmedAt && <Time at={batch.confirmedAt} />,
        }}
      />
      {batch.utr && <Screenshot batchId={batch.id} name={`slice ${batch.number}`} />}
    </Section>
  );
}

/** Of many slices at once nobody looks at all: each image is asked for by whoever wants it. */
export function Screenshot({ batchId, name }: { readonly batchId: string; readonly name: string }) {
  const [isWanted, setWanted] = useState(false);
  if (!isWanted) {
    return (
      <button type="button" onClick={() => setWanted(true)} aria-label={`Show the screenshot of ${name}`}>
        Show the screenshot
      </button>
    );
  }
  return <ProofImage path={`/api/v1/instant-payouts/batches/${batchId}/proof`} alt={`Screenshot of ${name}`} />;
}

interface ActsProps {
  readonly names: readonly ActName[];
  readonly id: string;
  readonly payee: string;
  readonly children: ReactNode;
}

function Acts({ names, id, payee, children }: ActsProps) {
  const [chosen, choose] = useState<ActName>();
  const doing = useAct<{ readonly name: ActName; readonly form: FormData }, unknown>(
    ({ name, form }) => send(name, id, payee, form),
    () => choose(undefined),
  );
  return (
    <div className="buttons left">
      {names.map((name) => (
        <button key={name} type="button" onClick={() => choose(name)}>
          {ACTS[name].label}
        </button>
      ))}
      {chosen && (
        <Confirm
          title={ACTS[chosen].label}
          act={ACTS[chosen].label}
          isGrave={chosen === 'reject'}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={(form) => doing.mutate({ name: chosen, form })}
          onClose={() => choose(undefined)}
        >
          {children}
          <p className="warning">{ACTS[chosen].warning}</p>
          {chosen === 'reject' && <Text label="Why" name="reason" required maxLength={500} rows={3} />}
        </Confirm>
      )}
    </div>
  );
}
