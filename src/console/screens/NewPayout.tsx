/**
 * A payout. Its idempotency key is made when the form opens, so that whatever happens on the way (no answer, pressed twice, sent
 * again) it is paid once; another payout is another form.
 */
import { type FormEvent, useEffect, useState } from 'react';
import { parseAmount } from '../../rules/money.ts';
import { api, once, type Schemas } from '../api.ts';
import { useAct, useAsk } from '../query.ts';
import { navigate } from '../router.tsx';
import { useSession } from '../session.tsx';
import { inWords, Section } from '../ui/bits.tsx';
import { textOf } from '../ui/Dialog.tsx';
import { Choice, Field, faultAt } from '../ui/fields.tsx';
import { Failed, Shown } from '../ui/states.tsx';

type Directory = Schemas['Directory'];
type Destination = Record<string, string>;

/** While somebody types, nothing is asked. */
const TYPING_MS = 600;

export function NewPayout() {
  const directory = useAsk(['directory'], () => api.GET('/api/v1/directory'));
  return <Shown of={directory}>{(found) => <Form directory={found} />}</Shown>;
}

function destinationOf(form: FormData): Destination {
  const [type = '', code = ''] = textOf(form, 'place').split(':');
  const account = textOf(form, 'account').replaceAll(' ', '');
  const isIban = /^[A-Za-z]{2}[0-9]{2}/.test(account);
  const title = textOf(form, 'title');
  return {
    type,
    ...(type === 'wallet' ? { walletCode: code } : isIban ? {} : { bankCode: code }),
    ...(isIban ? { iban: account.toUpperCase() } : { accountNumber: account }),
    ...(title && { accountTitle: title }),
  };
}

const currencyOf = (directory: Directory, place: string): string =>
  [...directory.banks, ...directory.wallets].find(({ code }) => code === place.split(':')[1])?.currency ?? '';

function Form({ directory }: { readonly directory: Directory }) {
  const { who } = useSession();
  const [key] = useState(() => crypto.randomUUID());
  const [form, setForm] = useState(() => new FormData());
  const places = Object.fromEntries([
    ...directory.banks.map(({ code, name }) => [`bank:${code}`, name]),
    ...directory.wallets.map(({ code, name }) => [`wallet:${code}`, `${name} (wallet)`]),
  ]) as Record<string, string>;
  const place = textOf(form, 'place') || (Object.keys(places)[0] ?? '');
  const currency = currencyOf(directory, place);
  const amount = parseAmount(textOf(form, 'amount') || undefined, currency);
  const making = useAct(
    (body: Schemas['NewPayoutInput']) => api.POST('/api/v1/payouts', { params: { header: { 'x-idempotency-key': key } }, body }),
    ({ id }) => navigate(`/payouts/${id}`, { replace: true }),
  );
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const optional = { description: textOf(given, 'description'), callbackUrl: textOf(given, 'callbackUrl') };
    making.mutate({
      amount: textOf(given, 'amount'),
      currency: currency as Schemas['NewPayoutInput']['currency'],
      reference: textOf(given, 'reference'),
      destination: destinationOf(given),
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value)),
    });
  };
  const said = making.error;
  return (
    <form className="sheet" onSubmit={submit} onChange={(event) => setForm(new FormData(event.currentTarget))}>
      <Choice
        label="Bank or wallet"
        name="place"
        of={places}
        fault={faultAt(said, '/destination/bankCode') ?? faultAt(said, '/destination/walletCode')}
      />
      <Field
        label="Account number or IBAN"
        name="account"
        required
        autoComplete="off"
        inputMode="text"
        fault={faultAt(said, '/destination/accountNumber') ?? faultAt(said, '/destination/iban')}
      />
      <Field
        label="Name of the account"
        name="title"
        maxLength={100}
        autoComplete="off"
        fault={faultAt(said, '/destination/accountTitle')}
      />
      <Verdict destination={destinationOf(form)} />
      <Field
        label={`Amount in ${currency}`}
        name="amount"
        required
        inputMode="decimal"
        autoComplete="off"
        fault={faultAt(said, '/amount') ?? (textOf(form, 'amount') && !amount.ok ? amount.detail : undefined)}
      />
      <Field
        label="Your reference"
        name="reference"
        required
        maxLength={64}
        hint="Yours alone: a second payout with it is refused"
        fault={faultAt(said, '/reference')}
      />
      <Field label="Description" name="description" maxLength={500} fault={faultAt(said, '/description')} />
      <Field
        label="Tell this address"
        name="callbackUrl"
        type="url"
        hint="Besides your endpoints; may be left out"
        fault={faultAt(said, '/callbackUrl')}
      />
      {said && <Failed error={said} />}
      {said && <p className="faint">Sent again from this form it is the same payout: it is paid once.</p>}
      <div className="buttons left">
        <button type="submit" className="main" disabled={making.isPending}>
          {making.isPending ? 'One moment…' : `Pay ${amount.ok ? inWords(textOf(form, 'amount'), currency) : ''}`}
        </button>
      </div>
      {who.mode === 'test' && <Scenarios />}
    </form>
  );
}

/** What is known of the account, as it is typed. */
function Verdict({ destination }: { readonly destination: Destination }) {
  const typed = JSON.stringify(destination);
  const [settled, settle] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => settle(typed), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const asked = JSON.parse(settled) as Schemas['AccountToVerifyInput'];
  const isWorthIt = (asked.iban ?? asked.accountNumber ?? '').length >= 10;
  const verdict = useAsk(
    ['verdict', settled],
    () => api.POST('/api/v1/verify-account', { params: { header: once() }, body: asked }),
    { enabled: isWorthIt },
  );
  if (!isWorthIt || !verdict.data || settled !== typed) return null;
  const { valid, checks, titleMatch, accountTitle } = verdict.data;
  const failed = checks.filter(({ passed }) => !passed);
  return (
    <div role="status" className={valid ? 'balanced' : 'failed'}>
      {valid ? 'This account can be.' : 'This account cannot be:'}
      {accountTitle && ` The bank knows it as ${accountTitle}.`}
      {titleMatch === 'none' && ' That is another name.'}
      <ul>
        {failed.map(({ name, detail }) => (
          <li key={name}>{detail ?? name}</li>
        ))}
      </ul>
    </div>
  );
}

const SCENARIOS: Readonly<Record<string, string>> = {
  '0001': 'paid at once',
  '0002': 'fails once, then paid',
  '0003': 'fails',
  '0004': 'stays with the PSP',
  '0005': 'held by the PSP',
  '0008': 'taken but never answered: paid once all the same',
  '0009': 'paid, then returned',
};

function Scenarios() {
  return (
    <Section title="To try things out">
      <p>In test mode the last four digits of the account say what becomes of it:</p>
      <dl className="facts">
        {Object.entries(SCENARIOS).map(([ends, becomes]) => (
          <div key={ends}>
            <dt>…{ends}</dt>
            <dd>{becomes}</dd>
          </div>
        ))}
      </dl>
      <p className="faint">From PKR 100,000.00 on an approver must look at it first, if nothing else was set for you.</p>
    </Section>
  );
}
