/** Which provider payouts a person must look at: the limits in force, and what others would have made of the last payouts. */
import { type FormEvent, useState } from 'react';
import { POLICY_BOUNDS } from '../../risk/rules/policy.ts';
import { api, type Schemas } from '../api.ts';
import { useAct, useAsk } from '../query.ts';
import { Link } from '../router.tsx';
import { useMay } from '../session.tsx';
import { Facts, Id, inWords, Money, Section, Time } from '../ui/bits.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { Empty, Failed, Shown } from '../ui/states.tsx';
import { Table } from '../ui/Table.tsx';

type Policy = Schemas['RiskPolicy'];
type Change = Schemas['RiskPolicyChangeInput'];

const LIMITS = {
  minSuccesses: 'Fewer payouts completed than',
  maxRecentFailures: 'More failures than',
  failureWindowDays: 'counted over so many days',
  bankChangeDays: 'An account younger than so many days',
  velocityTimes: 'More requests a day than so many times the mean',
  velocityMinRequests: 'counted from so many requests on',
  amountTimesMean: 'More than so many times the mean amount',
} as const satisfies Record<keyof typeof POLICY_BOUNDS, string>;
const NAMES = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

export function Risk() {
  const policy = useAsk(['risk'], () => api.GET('/api/admin/risk-policy'));
  return <Shown of={policy}>{(found) => <Limits key={found.version} in={found} />}</Shown>;
}

function changeOf(form: HTMLFormElement): Change {
  const given = new FormData(form);
  return Object.fromEntries(NAMES.map((name) => [name, Number(given.get(name))]));
}

function Limits({ in: { version, policy, createdBy } }: { readonly in: Policy }) {
  const may = useMay();
  const [change, setChange] = useState<Change>();
  const trying = useAct((body: Change) => api.POST('/api/admin/risk-policy/dry-run', { body: { policy: body, last: 100 } }));
  const saving = useAct(
    (body: Change) => api.PUT('/api/admin/risk-policy', { body: { policy: body } }),
    () => setChange(undefined),
  );
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    trying.mutate(changeOf(event.currentTarget));
  };
  return (
    <>
      <Facts
        of={{
          Version: version,
          'Made by': createdBy ? <Id of={createdBy} /> : 'came with the program',
          'More than': Object.entries(policy.amountLimit).map(([currency, each]) => (
            <div key={currency}>{inWords(each, currency)}</div>
          )),
        }}
      />
      <form className="sheet" onSubmit={submit}>
        <p>A person looks at a payout where any of these holds:</p>
        {NAMES.map((name) => (
          <Field
            key={name}
            label={LIMITS[name]}
            name={name}
            type="number"
            required
            {...POLICY_BOUNDS[name]}
            defaultValue={policy[name]}
            fault={faultAt(trying.error, `/policy/${name}`)}
          />
        ))}
        <div className="buttons left">
          <button type="submit" className="main" disabled={trying.isPending}>
            {trying.isPending ? 'Judging…' : 'What would it have made of the last hundred?'}
          </button>
        </div>
      </form>
      {trying.error && <Failed error={trying.error} />}
      {trying.data && (
        <>
          <Compared run={trying.data} />
          <div className="buttons left">
            <button type="button" disabled={!may('riskPolicy')} onClick={() => setChange(trying.variables)}>
              Put it in force
            </button>
            {!may('riskPolicy') && <small className="faint">This needs the role admin.</small>}
          </div>
        </>
      )}
      {change && (
        <Confirm
          title={`Version ${version + 1}`}
          act="Put it in force"
          isBusy={saving.isPending}
          error={saving.error}
          onAct={() => saving.mutate(change)}
          onClose={() => setChange(undefined)}
        >
          <p>Payouts that were judged keep their judgement; those to come are judged by this.</p>
        </Confirm>
      )}
    </>
  );
}

function Compared({ run: { considered, was, wouldBe, differences } }: { readonly run: Schemas['RiskDryRun'] }) {
  return (
    <Section title={`Of the last ${considered}`}>
      <Facts
        of={{
          'Were looked at': was.REVIEW,
          'Would be looked at': wouldBe.REVIEW,
          'Went by themselves': was.APPROVE,
          'Would go by themselves': wouldBe.APPROVE,
        }}
      />
      {differences.length === 0 ? (
        <Empty>Nothing would have been different.</Empty>
      ) : (
        <Table
          name="Differences"
          rows={differences}
          keyOf={({ payoutId }) => payoutId}
          columns={[
            { head: 'Payout', cell: ({ payoutId }) => <Link to={`/payouts/${payoutId}`}>{payoutId.slice(-8)}</Link> },
            { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
            { head: 'Was', cell: ({ was: then }) => then.decision.toLowerCase() },
            { head: 'Would be', cell: ({ wouldBe: now }) => now.decision.toLowerCase() },
            {
              head: 'Because',
              cell: ({ wouldBe: now }) => now.reasons.map(({ code, detail }) => <div key={code}>{detail}</div>),
            },
            { head: 'When', cell: ({ createdAt }) => <Time at={createdAt} /> },
          ]}
        />
      )}
    </Section>
  );
}
