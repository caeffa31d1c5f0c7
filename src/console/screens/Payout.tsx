/** One payout as its merchant sees it. */
import { useState } from 'react';
import { api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, useAsk, usePages } from '../query.ts';
import { Facts, Id, inWords, Money, Raw, Section, State, Time } from '../ui/bits.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { Failed, Shown } from '../ui/states.tsx';
import { List } from '../ui/Table.tsx';
import { Payee, payeeInWords } from './payee.tsx';
import { Why } from './Why.tsx';

type Found = Schemas['Payout'];

const ACTS = {
  cancel: {
    label: 'Cancel it',
    warning: 'It ends for good, and its money is available again. Once a request may be on its way, it is refused.',
    when: ['PENDING', 'IN_REVIEW', 'ON_HOLD', 'RETRY'],
    ask: (id: string) => api.POST('/api/v1/payouts/{id}/cancel', { params: { path: { id }, header: once() }, body: {} }),
  },
  reinitiate: {
    label: 'Try again',
    warning: 'The same payout gets a new attempt, and its money is reserved again.',
    when: ['FAILED'],
    ask: (id: string) => api.POST('/api/v1/payouts/{id}/reinitiate', { params: { path: { id }, header: once() }, body: {} }),
  },
} as const;
type ActName = keyof typeof ACTS;

export function Payout({ id }: { readonly id: string }) {
  const params = { path: { id } };
  const payout = useAsk(['payout', id], () => api.GET('/api/v1/payouts/{id}', { params }), { every: SELDOM_MS });
  const why = useAsk(['why', id], () => api.GET('/api/v1/payouts/{id}/explain', { params }), { every: SELDOM_MS });
  const timeline = usePages(
    ['timeline', id],
    (query) => api.GET('/api/v1/payouts/{id}/timeline', { params: { ...params, query } }),
    { every: SELDOM_MS },
  );
  return (
    <Shown of={payout}>
      {(found) => (
        <>
          <p className="big" role="status">
            <Money {...found} /> <State is={found.status} />
          </p>
          <Acts payout={found} />
          {why.data && <Why of={why.data} />}
          <About payout={found} />
          <Section title="What happened">
            {timeline.error && <Failed error={timeline.error} />}
            <ol className="timeline">
              {timeline.rows.map(({ sequence, type, at, from, to, data }) => (
                <li key={sequence}>
                  <strong>{type.replace('payout.', '').replaceAll('_', ' ')}</strong> {from !== to && <State is={to} />}
                  <span className="faint">
                    <Time at={at} />
                  </span>
                  <Raw of={data} />
                </li>
              ))}
            </ol>
          </Section>
          <Told id={id} />
        </>
      )}
    </Shown>
  );
}

function Acts({ payout }: { readonly payout: Found }) {
  const [chosen, choose] = useState<ActName>();
  const doing = useAct(
    (name: ActName) => ACTS[name].ask(payout.id),
    () => choose(undefined),
  );
  const legal = (Object.keys(ACTS) as ActName[]).filter((name) => (ACTS[name].when as readonly string[]).includes(payout.status));
  return (
    <div className="buttons left">
      {legal.map((name) => (
        <button key={name} type="button" onClick={() => choose(name)}>
          {ACTS[name].label}
        </button>
      ))}
      {chosen && (
        <Confirm
          title={`${ACTS[chosen].label}: ${payout.reference}`}
          act={ACTS[chosen].label}
          isBusy={doing.isPending}
          error={doing.error}
          onAct={() => doing.mutate(chosen)}
          onClose={() => choose(undefined)}
        >
          <p className="big">{inWords(payout.amount, payout.currency)}</p>
          <p>to {payeeInWords(payout.destination)}</p>
          <p className="warning">{ACTS[chosen].warning}</p>
        </Confirm>
      )}
    </div>
  );
}

function About({ payout }: { readonly payout: Found }) {
  const { hold, failure, review, psp } = payout;
  return (
    <>
      <Facts
        of={{
          Reference: payout.reference,
          Payee: <Payee {...payout.destination} />,
          'Waits for': payout.waitingOn?.replaceAll('_', ' '),
          Held: hold && `${hold.reason} (by ${hold.source})`,
          Failure: failure && `${failure.message} (${failure.code}${failure.retryable ? ', may help to try again' : ''})`,
          'In review because': review?.reasons.map(({ code, detail }) => <div key={code}>{detail}</div>),
          Description: payout.description,
          Fee: inWords(payout.fee, payout.currency),
          PSP: psp.reference ? `${psp.name} ${psp.reference}` : psp.name,
          Attempts: payout.attempts,
          Created: <Time at={payout.createdAt} />,
          Ended: payout.completedAt && <Time at={payout.completedAt} />,
          Id: <Id of={payout.id} />,
        }}
      />
      <Raw of={payout.metadata} />
    </>
  );
}

/** Its events, each of which can be sent again. */
function Told({ id }: { readonly id: string }) {
  const events = usePages(
    ['events', id],
    (cursor) => api.GET('/api/v1/events', { params: { query: { payoutId: id, ...cursor } } }),
    { every: SELDOM_MS },
  );
  const resending = useAct((eventId: string) =>
    api.POST('/api/v1/events/{id}/resend', { params: { path: { id: eventId }, header: once() }, body: {} }),
  );
  return (
    <Section title="Webhooks">
      {resending.error && <Failed error={resending.error} />}
      {resending.data && (
        <p role="status">{resending.data.deliveries.length === 0 ? 'Nobody is to be told it.' : 'It is on its way again.'}</p>
      )}
      <List
        name="Events"
        of={events}
        keyOf={(event) => event.id}
        empty="It has no event yet."
        columns={[
          { head: 'Event', cell: ({ type }) => type },
          { head: 'Number', cell: ({ sequence }) => sequence, isNumber: true },
          { head: 'When', cell: ({ timestamp }) => <Time at={timestamp} /> },
          {
            head: 'Act',
            cell: (event) => (
              <button
                type="button"
                disabled={resending.isPending}
                onClick={() => resending.mutate(event.id)}
                aria-label={`Send again: ${event.type}`}
              >
                Send again
              </button>
            ),
          },
        ]}
      />
    </Section>
  );
}
