/** One withdrawal: why it stands as it does, its slices and whoever had them, what happened; now, or as it was. */
import { api, type Schemas } from '../api.ts';
import { type InstantActName, InstantActs } from '../instantActs.tsx';
import { OFTEN_MS, useAsk } from '../query.ts';
import { Link, useFilter } from '../router.tsx';
import { Facts, Id, inWords, Raw, Section, State, Time } from '../ui/bits.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, Table } from '../ui/Table.tsx';
import { Slice } from './Slice.tsx';
import { Slider } from './Slider.tsx';
import { Why } from './Why.tsx';

type Whole = Schemas['AdminWholeInstantPayout'];
type Batch = Schemas['AdminInstantPayoutBatch'];

export function Withdrawal({ id }: { readonly id: string }) {
  const { filter, set } = useFilter(['at', 'slice']);
  const { at } = filter;
  const params = { path: { id }, query: at ? { at } : {} };
  const every = at ? undefined : OFTEN_MS; // what was does not change
  const found = useAsk(['withdrawal', id, at], () => api.GET('/api/admin/instant-payouts/{id}', { params }), { every });
  const why = useAsk(['why', id, at], () => api.GET('/api/admin/instant-payouts/{id}/explain', { params }), { every });
  const now = useAsk(['withdrawal', id, undefined], () =>
    api.GET('/api/admin/instant-payouts/{id}', { params: { path: { id } } }),
  );
  return (
    <>
      {now.data && now.data.timeline.length > 1 && (
        <Slider steps={now.data.timeline.map((step) => step.at)} at={at} onMove={(to) => set({ at: to ?? '' })} />
      )}
      <Shown of={found}>
        {(whole) => (
          <>
            <p className="big">
              {inWords(whole.totalAmount, whole.currency)} <State is={whole.status} />
            </p>
            <Shown of={why}>
              {(told) => (
                <>
                  {!at && <Closing whole={whole} actions={told.actions} />}
                  <Why of={told} />
                </>
              )}
            </Shown>
            <About whole={whole} />
            <Slices whole={whole} at={at} chosen={filter.slice} />
            <Timeline whole={whole} />
          </>
        )}
      </Shown>
    </>
  );
}

interface ClosingProps {
  readonly whole: Whole;
  readonly actions: Schemas['Explanation']['actions'];
}

function Closing({ whole, actions }: ClosingProps) {
  const names: InstantActName[] = actions.some(({ action, mayYou }) => action === 'cancel' && mayYou) ? ['cancel'] : [];
  return (
    <InstantActs id={whole.id} names={names}>
      <p className="big">{inWords(whole.remaining, whole.currency)} are not paid yet</p>
    </InstantActs>
  );
}

const CREDITED: Readonly<Record<string, string>> = {
  proof: 'at a valid proof',
  payee_confirmed: 'when the payee confirms',
  bank_matched: 'when the payee’s bank tells of it',
};

function About({ whole }: { readonly whole: Whole }) {
  const { currency } = whole;
  return (
    <Facts
      of={{
        Reference: whole.reference,
        Paid: inWords(whole.instantPaid, currency),
        'Not paid yet': inWords(whole.remaining, currency),
        'Is paid to': `${whole.payee.label} (${whole.payee.type})`,
        Payee: <Id of={whole.userId} />,
        Merchant: <Id of={whole.merchantId} />,
        Mode: whole.livemode ? 'live' : 'test',
        'Payers are credited': whole.creditOn && CREDITED[whole.creditOn],
        'What nobody pays': whole.onUnfilled === 'psp' ? 'goes to the payee by a payout' : 'comes back to the payee',
        'Gives out no more': whole.closing && (whole.closing === 'cancelled' ? 'it was cancelled' : 'its time is over'),
        'Its rest': whole.restPayoutId && <Link to={`/payouts/${whole.restPayoutId}`}>a payout</Link>,
        Receipt: whole.receiptId,
        Created: <Time at={whole.createdAt} />,
        Ended: whole.completedAt && <Time at={whole.completedAt} />,
        Workflow: (
          <a href={whole.temporalUi} target="_blank" rel="noreferrer">
            in the Temporal UI
          </a>
        ),
        Audit: <Link to={`/audit?target=${whole.id}`}>who did what</Link>,
      }}
    />
  );
}

const COLUMNS: readonly Column<Batch>[] = [
  { head: 'Slice', cell: ({ number }) => `Slice ${number}` },
  {
    head: 'Status',
    cell: ({ status, review }) => (
      <>
        {<State is={status} />} {review && <span className="chip bad">needs you</span>}
      </>
    ),
  },
  { head: 'Amount', cell: ({ amount, currency }) => inWords(amount, currency), isNumber: true },
  { head: 'Pays until', cell: ({ status, payUntil }) => <Time at={status === 'assigned' ? payUntil : null} /> },
  { head: 'UTR', cell: ({ utr }) => utr ?? '—' },
  { head: 'Had it', cell: ({ turns }) => turns.length, isNumber: true },
  { head: 'Receipt', cell: ({ receiptId }) => receiptId ?? '—' },
];

interface SlicesProps {
  readonly whole: Whole;
  readonly at: string | undefined;
  readonly chosen: string | undefined;
}

function Slices({ whole, at, chosen }: SlicesProps) {
  const { batches } = whole;
  const slice = batches.length === 1 ? batches[0] : batches.find(({ id }) => id === chosen);
  const placeOf = ({ id }: Batch) => `/withdrawals/${whole.id}?${new URLSearchParams({ slice: id, ...(at && { at }) })}`;
  return (
    <>
      <Section title="Slices">
        <Table name="Slices" rows={batches} columns={COLUMNS} keyOf={({ id }) => id} to={placeOf} />
      </Section>
      {slice && <Slice key={slice.id} slice={slice} at={at} />}
    </>
  );
}

const nameOf = ({ batches }: Whole, { kind, id }: Whole['timeline'][number]['subject']): string => {
  if (kind === 'instant_batch') return `slice ${batches.find((batch) => batch.id === id)?.number ?? id}`;
  return kind === 'payin' ? `payin …${id.slice(-8)}` : 'withdrawal';
};

function Timeline({ whole }: { readonly whole: Whole }) {
  return (
    <Section title="What happened">
      <ol className="timeline">
        {whole.timeline.map(({ eventId, subject, at, actor, from, to, data }) => (
          <li key={eventId}>
            <strong>{nameOf(whole, subject)}</strong> {from === to ? 'told of again' : <State is={to} />}
            <span className="faint">
              <Time at={at} /> · {actor}
            </span>
            <Raw of={data} />
          </li>
        ))}
      </ol>
    </Section>
  );
}
