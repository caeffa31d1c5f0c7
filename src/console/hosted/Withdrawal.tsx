/** A payee's withdrawal: its slices as payers pay them, and what the payee says of each. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { BATCH, type BatchState } from '../../instant/rules/batchMachine.ts';
import type { InstantPayoutState } from '../../instant/rules/payoutMachine.ts';
import { unwrap } from '../api.ts';
import { Facts, inWords, Money, Section, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Text } from '../ui/fields.tsx';
import { api, type Slice, type WithdrawalPage } from './api.ts';
import { Countdown } from './Countdown.tsx';
import { Frame } from './Frame.tsx';

type Withdrawal = WithdrawalPage['withdrawal'];

const HEADINGS: Readonly<Record<InstantPayoutState, string>> = {
  open: 'Your withdrawal',
  partially_paid: 'Your withdrawal',
  disputed: 'Your withdrawal',
  completed: 'Your withdrawal is complete',
  partially_completed: 'Your withdrawal is over',
  cancelled: 'Your withdrawal was cancelled',
};

const SAYS: Readonly<Record<InstantPayoutState, string>> = {
  open: 'Other people pay it to you, part by part. Keep your account at hand, and say of each part whether it has come.',
  partially_paid: 'Other people pay it to you, part by part. Say of each part whether it has come.',
  disputed: 'You said of a part that it has not come: somebody looks at it. The other parts go on.',
  completed: 'All of it has been paid to you.',
  partially_completed:
    'A part of it has been paid to you. The rest is back in your wallet, or goes to you by an ordinary payout.',
  cancelled: 'None of it was paid. It is back in your wallet.',
};

const SLICES: Readonly<Record<BatchState, string>> = {
  unassigned: 'Nobody pays it yet',
  reassigned: 'Whoever was to pay it did not: somebody else is looked for',
  assigned: 'Somebody is paying it',
  proof_submitted: 'Somebody says that they have paid it',
  sys_confirmed: 'Somebody has paid it',
  disputed: 'You said that it has not come: somebody looks at it',
  confirmed: 'Received',
  admin_approved: 'Paid: it was looked at, and has come',
  rejected: 'Not paid: it was looked at',
  cancelled: 'Not paid',
  late_proof: 'Somebody says that they paid it late: it is looked at',
};

export function WithdrawalScreen() {
  return (
    <Frame
      title="Your withdrawal"
      ask={() => unwrap(api.GET('/api/pages/withdrawal'))}
      idOf={({ withdrawal }) => withdrawal.id}
      endedAt={({ withdrawal }) => withdrawal.completedAt}
    >
      {({ withdrawal }, back) => <Whole of={withdrawal} back={back} />}
    </Frame>
  );
}

function Whole({ of, back }: { readonly of: Withdrawal; readonly back: ReactNode }) {
  const { currency, receiptId, utrs, completedAt } = of;
  const state = of.status as InstantPayoutState;
  return (
    <>
      <h1>{HEADINGS[state]}</h1>
      <p className="big">
        <Money amount={of.totalAmount} currency={currency} />
      </p>
      <p role="status">{SAYS[state]}</p>
      {completedAt && back}
      <progress max={Number(of.totalAmount)} value={Number(of.instantPaid)} aria-label="How much of it is paid" />
      <Facts
        of={{
          Paid: <Money amount={of.instantPaid} currency={currency} />,
          'Still to be paid': <Money amount={of.remaining} currency={currency} />,
          'Paid to': of.payee.label,
          Reference: of.reference,
          Receipt: receiptId && <code>{receiptId}</code>,
          UTRs: completedAt && utrs.join(', '),
          Ended: completedAt && <Time at={completedAt} />,
        }}
      />
      <Section title="Its parts">
        <ul className="queue">
          {of.batches.map((slice) => (
            <SliceRow key={slice.id} of={slice} paidTo={of.payee.label} />
          ))}
        </ul>
      </Section>
      {!completedAt && back}
    </>
  );
}

function SliceRow({ of, paidTo }: { readonly of: Slice; readonly paidTo: string }) {
  const [asked, setAsked] = useState<'received' | 'not' | null>(null);
  const state = of.status as BatchState;
  const mayConfirm = BATCH.edgeOf(state, 'confirmed') !== undefined;
  const mayDispute = BATCH.edgeOf(state, 'disputed') !== undefined;
  return (
    <li className="part" aria-label={`Part ${of.number}`} data-state={state}>
      <span className="faint">{of.number}</span>
      <p>
        <Money amount={of.amount} currency={of.currency} />: {SLICES[state]}
        {of.utr && (
          <>
            , UTR <code>{of.utr}</code>
          </>
        )}
        <Deadline of={of} isAsked={mayDispute} />
      </p>
      {(mayConfirm || mayDispute) && (
        <span className="buttons">
          {mayConfirm && (
            <button type="button" className="main" onClick={() => setAsked('received')}>
              {mayDispute ? 'I received it' : 'It has come after all'}
            </button>
          )}
          {mayDispute && (
            <button type="button" className="grave" onClick={() => setAsked('not')}>
              I did not
            </button>
          )}
        </span>
      )}
      {asked === 'received' && <Received of={of} paidTo={paidTo} onClose={() => setAsked(null)} />}
      {asked === 'not' && <NotReceived of={of} onClose={() => setAsked(null)} />}
    </li>
  );
}

function Deadline({ of, isAsked }: { readonly of: Slice; readonly isAsked: boolean }): ReactNode {
  if (of.status === 'assigned' && of.payUntil)
    return (
      <span className="faint">
        {' '}
        Its payer has <Countdown until={of.payUntil} /> left.
      </span>
    );
  if (isAsked && of.confirmUntil)
    return (
      <span className="faint">
        {' '}
        Look at your account, and answer within <Countdown until={of.confirmUntil} />.
      </span>
    );
  return null;
}

interface SayProps {
  readonly of: Slice;
  readonly onClose: () => void;
}

/** What is said of a slice: once, whoever asks twice; its key is made when the dialog opens. */
function useSay(say: (key: { 'x-idempotency-key': string }, reason: string) => Promise<unknown>, onClose: () => void) {
  const client = useQueryClient();
  const [key] = useState(() => ({ 'x-idempotency-key': crypto.randomUUID() }));
  return useMutation({
    mutationFn: (reason: string) => say(key, reason),
    async onSuccess() {
      await client.invalidateQueries();
      onClose();
    },
  });
}

function Received({ of, paidTo, onClose }: SayProps & { readonly paidTo: string }) {
  const params = { path: { id: of.id } };
  const said = useSay(
    (header) => unwrap(api.POST('/api/pages/withdrawal/batches/{id}/confirm', { params: { ...params, header }, body: null })),
    onClose,
  );
  return (
    <Confirm
      title="You have received it?"
      act={`Yes, ${inWords(of.amount, of.currency)} has come`}
      isBusy={said.isPending}
      error={said.error}
      onAct={() => said.mutate('')}
      onClose={onClose}
    >
      <p>
        <strong>{inWords(of.amount, of.currency)}</strong> to {paidTo}
        {of.utr && (
          <>
            {' '}
            with the UTR <code>{of.utr}</code>
          </>
        )}
        .
      </p>
      <p>Look at your account first, not at a message that somebody sent you. This cannot be taken back.</p>
    </Confirm>
  );
}

function NotReceived({ of, onClose }: SayProps) {
  const params = { path: { id: of.id } };
  const said = useSay(
    (header, reason) =>
      unwrap(api.POST('/api/pages/withdrawal/batches/{id}/reject', { params: { ...params, header }, body: { reason } })),
    onClose,
  );
  return (
    <Confirm
      title="It has not come?"
      act="It has not come"
      isGrave
      isBusy={said.isPending}
      error={said.error}
      onAct={(form) => said.mutate(textOf(form, 'reason'))}
      onClose={onClose}
    >
      <p>
        <strong>{inWords(of.amount, of.currency)}</strong>
        {of.utr && (
          <>
            {' '}
            with the UTR <code>{of.utr}</code>
          </>
        )}
        . Somebody looks at it, and decides. Until then it stays open.
      </p>
      <Text label="What do you see in your account?" name="reason" required maxLength={500} rows={3} />
    </Confirm>
  );
}
