/** Everything of one payout: why it stands as it does, what happened, what went out, where its money is, who decided. */
import { Acts } from '../acts.tsx';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, useAsk } from '../query.ts';
import { Link, useFilter } from '../router.tsx';
import { useMay } from '../session.tsx';
import { Facts, Id, inWords, Money, Raw, Section, State, Time } from '../ui/bits.tsx';
import { Empty, Failed, Shown } from '../ui/states.tsx';
import { type Column, Table } from '../ui/Table.tsx';
import { Balanced } from './Balanced.tsx';
import { Payee } from './payee.tsx';
import { Slider } from './Slider.tsx';
import { Why } from './Why.tsx';

type Detail = Schemas['PayoutDetail'];
type Row<Part extends keyof Detail> = Detail[Part] extends readonly (infer Each)[] ? Each : never;

const ATTEMPTS: readonly Column<Row<'attempts'>>[] = [
  { head: 'Attempt', cell: ({ attempt }) => attempt },
  { head: 'PSP', cell: ({ psp }) => psp },
  { head: 'State', cell: ({ state }) => <State is={state} /> },
  { head: 'Asked for', cell: ({ sends }) => `${sends} ×`, isNumber: true },
  { head: 'PSP’s reference', cell: ({ pspReference }) => pspReference ?? '—' },
  { head: 'Proof', cell: ({ proof }) => proof?.replaceAll('_', ' ') ?? 'none' },
  { head: 'Sent', cell: ({ sentAt }) => <Time at={sentAt} /> },
  { head: 'Ended', cell: ({ endedAt }) => <Time at={endedAt} /> },
  { head: 'What it said', cell: ({ failure }) => <Raw of={failure} /> },
];

const MESSAGES: readonly Column<Row<'pspMessages'>>[] = [
  { head: 'Came', cell: ({ receivedAt }) => <Time at={receivedAt} /> },
  { head: 'From', cell: ({ psp }) => psp },
  { head: 'Says', cell: ({ claim }) => claim },
  { head: 'State', cell: ({ state }) => <State is={state} /> },
  { head: 'Because', cell: ({ detail }) => detail ?? '—' },
  { head: 'Body', cell: ({ body }) => <Raw of={body} /> },
];

const APPROVALS: readonly Column<Row<'approvals'>>[] = [
  { head: 'Who', cell: ({ adminId }) => <Id of={adminId} /> },
  { head: 'Decided', cell: ({ decision }) => decision },
  { head: 'Note', cell: ({ note }) => note ?? '—' },
  { head: 'By', cell: ({ via }) => via },
  { head: 'When', cell: ({ at }) => <Time at={at} /> },
];

const DELIVERIES: readonly Column<Row<'webhookDeliveries'>>[] = [
  { head: 'Event', cell: ({ eventId }) => <code>{eventId}</code> },
  { head: 'To', cell: ({ url }) => url },
  { head: 'State', cell: ({ state }) => <State is={state} /> },
  { head: 'Tries', cell: ({ attempts }) => attempts.length, isNumber: true },
  { head: 'The last', cell: ({ attempts }) => <Raw of={attempts.at(-1)} /> },
  { head: 'Act', cell: ({ id }) => <Resend id={id} /> },
];

function Resend({ id }: { readonly id: string }) {
  const may = useMay();
  const resending = useAct(() => api.POST('/api/admin/webhook-deliveries/{id}/resend', { params: { path: { id } }, body: {} }));
  if (resending.error) return <Failed error={resending.error} />;
  return (
    <button
      type="button"
      disabled={!may('resend') || resending.isPending}
      onClick={() => resending.mutate(undefined)}
      aria-label={`Send again: ${id}`}
    >
      {resending.isSuccess ? 'It is on its way' : 'Send again'}
    </button>
  );
}

export function AdminPayout({ id }: { readonly id: string }) {
  const { filter, set } = useFilter(['at']);
  const params = { path: { id }, query: filter.at ? { at: filter.at } : {} };
  const every = filter.at ? undefined : OFTEN_MS; // what was does not change
  const payout = useAsk(['payout', id, filter.at], () => api.GET('/api/admin/payouts/{id}', { params }), { every });
  const why = useAsk(['why', id, filter.at], () => api.GET('/api/admin/payouts/{id}/explain', { params }), { every });
  const now = useAsk(['payout', id, undefined], () => api.GET('/api/admin/payouts/{id}', { params: { path: { id } } }));
  return (
    <>
      {now.data && now.data.timeline.length > 1 && (
        <Slider steps={now.data.timeline.map(({ at }) => at)} at={filter.at} onMove={(at) => set({ at: at ?? '' })} />
      )}
      <Shown of={payout}>
        {(found) => (
          <>
            <p className="big">
              <Money {...found} /> <State is={found.state} />{' '}
              {found.needsOperator && <span className="chip bad">needs an operator</span>}
            </p>
            <Shown of={why}>
              {(told) => (
                <>
                  {!filter.at && <Acts payout={found} actions={told.actions} />}
                  <Why of={told} />
                </>
              )}
            </Shown>
            <Whole payout={found} />
          </>
        )}
      </Shown>
    </>
  );
}

function Whole({ payout }: { readonly payout: Detail }) {
  const { destination, hold, failure, review, owner } = payout;
  return (
    <>
      <Facts
        of={{
          Reference: payout.reference,
          Payee: <Payee {...destination} />,
          'Another account since': destination.changedSince && <Time at={destination.changedSince} />,
          'Waits for': payout.waitingOn?.replaceAll('_', ' '),
          Held: hold && `${hold.reason} (by ${hold.source})`,
          Failure: failure && `${failure.message} (${failure.code}${failure.retryable ? ', may help to try again' : ''})`,
          'In review because': review?.reasons.map(({ code, detail }) => <div key={code}>{detail}</div>),
          Description: payout.description,
          Fee: inWords(payout.fee, payout.currency),
          Owed: payout.debt === '0' || /^0\.0+$/.test(payout.debt) ? null : inWords(payout.debt, payout.currency),
          Merchant: <Id of={payout.merchantId} />,
          'Paid from': `${owner.kind} ${owner.id}`,
          'Made with a key of': payout.makerId && <Id of={payout.makerId} />,
          Mode: payout.livemode ? 'live' : 'test',
          Round: payout.round > 1 ? payout.round : null,
          Created: <Time at={payout.createdAt} />,
          Ended: payout.completedAt && <Time at={payout.completedAt} />,
          Workflow: (
            <a href={payout.temporalUi} target="_blank" rel="noreferrer">
              in the Temporal UI
            </a>
          ),
          Audit: <Link to={`/audit?target=${payout.id}`}>who did what</Link>,
        }}
      />
      <Raw of={payout.metadata} />
      <Section title="What happened">
        <ol className="timeline">
          {payout.timeline.map(({ sequence, type, at, actor, from, to, data }) => (
            <li key={sequence}>
              <strong>{type.replace('payout.', '').replaceAll('_', ' ')}</strong>
              {from !== to && <State is={to} />}
              <span className="faint">
                <Time at={at} /> · {actor}
              </span>
              <Raw of={data} />
            </li>
          ))}
        </ol>
        {payout.timeline.length === 0 && <Empty>Nothing yet: no worker has taken it up.</Empty>}
      </Section>
      <Part
        title="Attempts"
        rows={payout.attempts}
        columns={ATTEMPTS}
        keyOf={({ pspKey }) => pspKey}
        empty="No PSP was asked yet."
      />
      <Section title="Money">
        <Balanced entries={payout.ledgerEntries} />
      </Section>
      <Part
        title="Decisions"
        rows={payout.approvals}
        columns={APPROVALS}
        keyOf={({ adminId, at }) => adminId + String(at)}
        empty="Nobody has decided anything."
      />
      <Part
        title="What the PSP sent"
        rows={payout.pspMessages}
        columns={MESSAGES}
        keyOf={({ id }) => id}
        empty="No message of a PSP names it."
      />
      <Part
        title="Webhooks"
        rows={payout.webhookDeliveries}
        columns={DELIVERIES}
        keyOf={({ id }) => id}
        empty="Nobody is to be told."
      />
    </>
  );
}

interface PartProps<Each> {
  readonly title: string;
  readonly rows: readonly Each[];
  readonly columns: readonly Column<Each>[];
  readonly keyOf: (row: Each) => string;
  readonly empty: string;
}

function Part<Each>({ title, rows, columns, keyOf, empty }: PartProps<Each>) {
  return (
    <Section title={title}>
      {rows.length === 0 ? <Empty>{empty}</Empty> : <Table name={title} rows={rows} columns={columns} keyOf={keyOf} />}
    </Section>
  );
}
