/** One market: its options, what an outcome would pay, its resolution, and whether all that was paid is right. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, useAsk } from '../query.ts';
import { useMay } from '../session.tsx';
import { Facts, Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Choice, Text } from '../ui/fields.tsx';
import { Failed, Shown } from '../ui/states.tsx';
import { Table } from '../ui/Table.tsx';
import { Resolution } from './Resolution.tsx';

type Found = Schemas['AdminMarket'];
type Preview = Schemas['MarketPreview'];

export function Market({ id }: { readonly id: string }) {
  const market = useAsk(['market', id], () => api.GET('/api/admin/markets/{id}', { params: { path: { id } } }), {
    every: OFTEN_MS,
  });
  return (
    <Shown of={market}>
      {(found) => (
        <>
          <p className="big">
            {found.title} <State is={found.status} />
          </p>
          <About market={found} />
          {found.resolutionId && <Resolution id={found.resolutionId} market={found} />}
          <Resolving market={found} />
          {found.resolutionId && <Verified id={id} />}
        </>
      )}
    </Shown>
  );
}

function About({ market }: { readonly market: Found }) {
  const { currency, options, totals } = market;
  return (
    <>
      <Facts
        of={{
          Staked: inWords(totals.staked, currency),
          Stakes: totals.commitments,
          Users: totals.participants,
          Outcome: market.outcome,
          'Our fee': `${market.houseFeeBps / 100} %`,
          'Its creator’s fee': `${market.creatorFeeBps / 100} %`,
          'Takes stakes until': market.closesAt && <Time at={market.closesAt} />,
          Merchant: <Id of={market.merchantId} />,
          Mode: market.livemode ? 'live' : 'test',
        }}
      />
      <Section title="Options">
        <Table
          name="Options"
          rows={options}
          keyOf={(each) => each.id}
          columns={[
            { head: 'Option', cell: ({ title }) => title },
            { head: 'Staked', cell: ({ staked }) => inWords(staked, currency), isNumber: true },
            { head: 'Users', cell: ({ participants }) => participants, isNumber: true },
          ]}
        />
      </Section>
    </>
  );
}

/** First what it would pay; then, bound to exactly that by its hash, that it is so. */
function Resolving({ market }: { readonly market: Found }) {
  const { id, type, options, status, title } = market;
  const may = useMay();
  const [isSaying, say] = useState(false);
  const outcomes = {
    ...(type === 'binary' ? { yes: 'yes', no: 'no' } : Object.fromEntries(options.map((each) => [each.id, each.title]))),
    void: 'void: every stake goes back',
  };
  const [outcome, choose] = useState(Object.keys(outcomes)[0] ?? 'void');
  const params = { path: { id } };
  const trying = useAct(() => api.POST('/api/admin/markets/{id}/preview', { params, body: { outcome } }));
  const resolving = useAct(
    ({ plan, form }: { readonly plan: Preview; readonly form: FormData }) => {
      const body = { outcome: plan.outcome, planHash: plan.planHash, evidence: textOf(form, 'evidence') };
      return api.POST('/api/admin/markets/{id}/resolve', { params, body });
    },
    () => say(false),
  );
  if (status !== 'open' && status !== 'closed') return null;
  const plan = trying.data;
  return (
    <Section title="What came true">
      <div className="filters">
        <Choice label="Outcome" of={outcomes} value={outcome} onChange={(event) => choose(event.target.value)} />
        <button type="button" disabled={trying.isPending} onClick={() => trying.mutate(undefined)}>
          What would it pay?
        </button>
      </div>
      {trying.error && <Failed error={trying.error} />}
      {plan && plan.outcome === outcome && (
        <>
          <Plan plan={plan} />
          <div className="buttons left">
            <button type="button" className="main" disabled={!may('resolveMarket')} onClick={() => say(true)}>
              It is so
            </button>
          </div>
        </>
      )}
      {plan && isSaying && (
        <Confirm
          title={`${title}: ${plan.outcome}`}
          act="It is so"
          isGrave
          isBusy={resolving.isPending}
          error={resolving.error}
          onAct={(form) => resolving.mutate({ plan, form })}
          onClose={() => say(false)}
        >
          <p className="big">{inWords(plan.net, plan.currency)}</p>
          <p>to {plan.winners} winners, exactly as it was shown, or nothing.</p>
          <Text label="What shows it" name="evidence" required maxLength={2000} rows={3} />
        </Confirm>
      )}
    </Section>
  );
}

function Plan({ plan }: { readonly plan: Preview }) {
  const { currency, fees, largestPayouts } = plan;
  return (
    <>
      <Facts
        of={{
          Pool: inWords(plan.pool, currency),
          Fees: inWords(fees.total, currency),
          'To winners': inWords(plan.net, currency),
          Winners: plan.winners,
          Losers: plan.losers,
          'Plan hash': <Id of={plan.planHash} />,
        }}
      />
      <Table
        name="The largest payouts"
        rows={largestPayouts}
        keyOf={({ userId }) => userId}
        columns={[
          { head: 'User', cell: ({ userId }) => <Id of={userId} /> },
          { head: 'Staked', cell: ({ staked }) => inWords(staked, currency), isNumber: true },
          { head: 'Would get', cell: ({ payout }) => inWords(payout, currency), isNumber: true },
        ]}
      />
    </>
  );
}

const VERDICTS = {
  true: 'All that was paid is right.',
  false: 'Something is wrong.',
  null: 'Not everybody is paid yet.',
} as const;

function Verified({ id }: { readonly id: string }) {
  const checking = useAsk(['verified', id], () => api.GET('/api/admin/markets/{id}/verification', { params: { path: { id } } }));
  return (
    <Section title="Recomputed from the stakes alone">
      <Shown of={checking}>
        {({ ok, faults, recomputed, balances, currency }) => (
          <>
            <p className={ok === false ? 'failed' : ok ? 'balanced' : undefined}>{VERDICTS[`${ok}`]}</p>
            <Facts
              of={{
                Paid: recomputed && inWords(recomputed.paid, currency),
                Fees: recomputed && inWords(recomputed.fees, currency),
                Winners: recomputed?.winners,
                'Left in the pool': inWords(balances.pool, currency),
              }}
            />
            <ul className="reasons">
              {faults.map(({ code, detail, count }) => (
                <li key={code} className="failed">
                  {detail} ({count})
                </li>
              ))}
            </ul>
          </>
        )}
      </Shown>
    </Section>
  );
}
