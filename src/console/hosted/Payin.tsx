/** A payer's deposit: whom to pay, by when, and how to show that it was paid. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { unwrap } from '../api.ts';
import { Facts, Id, Money, Section, Time } from '../ui/bits.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { Failed } from '../ui/states.tsx';
import { api, type PayinPage, showProof } from './api.ts';
import { Countdown, useLeft } from './Countdown.tsx';
import { Frame } from './Frame.tsx';
import { codeOf, upiLink } from './upi.ts';

type Payin = PayinPage['payin'];
type PayTo = NonNullable<Payin['payTo']>;

const HEADINGS: Readonly<Record<Payin['status'], string>> = {
  waiting: 'Somebody to pay is looked for',
  assigned: 'Pay this person',
  proof_submitted: 'Your proof is here',
  success: 'You have paid, and have it',
  failed: 'It was not paid',
  expired: 'The time is over',
  late_proof: 'Your payment is looked at',
  reversed: 'It was taken back',
};

const SAYS: Readonly<Record<Payin['status'], string>> = {
  waiting: 'Your deposit goes straight to a person who withdraws as much. Keep this page open, and pay nobody yet.',
  assigned: 'Pay exactly this amount to exactly this account, then show it below.',
  proof_submitted: 'The amount is added to your wallet once it is confirmed. You need not do anything more.',
  success: 'The amount has been added to your wallet.',
  failed: 'It was looked at, and has not come. If you did pay, tell the site that you came from, with your UTR.',
  expired: 'Do not pay any more.',
  late_proof: 'Somebody looks at it. If you have paid, it is not lost.',
  reversed: 'It turned out not to have been paid: what was added to your wallet was taken back.',
};

/** Whoever was to pay and came too late may have paid all the same. */
const maySay = ({ status, batchId }: Payin): boolean => status === 'assigned' || (status === 'expired' && batchId !== null);

export function PayinScreen() {
  return (
    <Frame
      title="Your payment"
      ask={() => unwrap(api.GET('/api/pages/payin'))}
      idOf={({ payin }) => payin.id}
      endedAt={({ payin }) => payin.completedAt}
    >
      {({ payin }, back) => <Whole of={payin} back={back} />}
    </Frame>
  );
}

function Whole({ of, back }: { readonly of: Payin; readonly back: ReactNode }) {
  const { currency, receiptId, utr, payTo, completedAt } = of;
  // Also before we are told, and where we cannot be: whom to pay now is another payer's affair.
  const isLate = useLeft(of.status === 'assigned' ? of.payUntil : null) <= 0;
  const status = isLate ? 'expired' : of.status;
  return (
    <>
      <h1>{HEADINGS[status]}</h1>
      <p className="big">
        <Money amount={of.amount} currency={currency} />
      </p>
      <p role="status">{SAYS[status]}</p>
      {completedAt && back}
      {status === 'assigned' && of.payUntil && (
        <p>
          You have <Countdown until={of.payUntil} /> left to pay and to show it.
        </p>
      )}
      {status === 'waiting' && (
        <p>
          It is looked for another <Countdown until={of.waitUntil} />.
        </p>
      )}
      {payTo && !isLate && <Payee of={payTo} />}
      {maySay(of) && <Proof title={status === 'expired' ? 'If you have paid already' : 'Once you have paid'} />}
      <Facts
        of={{
          Receipt: receiptId && <code>{receiptId}</code>,
          UTR: utr && <code>{utr}</code>,
          Reference: of.reference,
          Ended: completedAt && <Time at={completedAt} />,
        }}
      />
      {!completedAt && back}
    </>
  );
}

function Payee({ of }: { readonly of: PayTo }) {
  if (of.type === 'bank')
    return (
      <Facts
        of={{
          Name: of.accountTitle,
          'Account number': <Id of={of.accountNumber} isWhole />,
          'Bank (IFSC)': <Id of={of.bankCode} isWhole />,
        }}
      />
    );
  const link = upiLink(of);
  const { path, edge } = codeOf(link);
  return (
    <>
      <Facts of={{ 'UPI id': <Id of={of.upiId} isWhole /> }} />
      <div className="upi">
        <svg className="code" viewBox={`0 0 ${edge} ${edge}`} role="img" aria-label={`Code to pay ${of.upiId}, for a UPI app`}>
          <path d={path} />
        </svg>
        <p>
          Scan it with a UPI app, or on this phone <a href={link}>open one</a>.
        </p>
      </div>
    </>
  );
}

/** As the API takes it. */
const IMAGE_MOST = 5 * 1024 * 1024;

function Proof({ title }: { readonly title: string }) {
  const client = useQueryClient();
  const [isTooLarge, setTooLarge] = useState(false);
  // One proof is sent under one key, however often: another one, once something in it was changed.
  const key = useRef('');
  const shown = useMutation({
    mutationFn: (form: FormData) => showProof(form, key.current),
    onSettled: () => client.invalidateQueries(),
  });
  const changed = (): void => {
    key.current = '';
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const image = form.get('image');
    const isLarge = image instanceof File && image.size > IMAGE_MOST;
    setTooLarge(isLarge);
    if (isLarge || shown.isPending) return;
    key.current ||= crypto.randomUUID();
    shown.mutate(form);
  };
  const imageFault = isTooLarge ? 'Must have at most 5 MB.' : faultAt(shown.error, '/image');
  return (
    <Section title={title}>
      <form onSubmit={submit} onChange={changed} className="sheet">
        <Field
          label="UTR"
          name="utr"
          hint="The reference of the payment, as your bank or app shows it: 12 digits of UPI or IMPS."
          fault={faultAt(shown.error, '/utr')}
          autoComplete="off"
          maxLength={64}
          required
        />
        <Field
          label="Screenshot of the payment"
          name="image"
          type="file"
          accept="image/png,image/jpeg,image/webp"
          hint="PNG, JPEG or WebP."
          fault={imageFault}
          required
        />
        {shown.error && <Failed error={shown.error} />}
        <div className="buttons left">
          <button type="submit" className="main" disabled={shown.isPending}>
            {shown.isPending ? 'One moment…' : 'I have paid'}
          </button>
        </div>
      </form>
    </Section>
  );
}
