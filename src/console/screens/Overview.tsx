/** Everything at a glance: what stands where, how it went, and what needs somebody. Each figure leads to what it counts. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { SELDOM_MS, useAsk } from '../query.ts';
import { Link } from '../router.tsx';
import { Facts, inWords, Section, Span, State, Time } from '../ui/bits.tsx';
import { Choice } from '../ui/fields.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { Table } from '../ui/Table.tsx';
import { type Figures, Outcomes } from './Outcomes.tsx';

type Whole = Schemas['AdminOverview'];

export function Overview() {
  const [mode, setMode] = useState<'' | 'test' | 'live'>('');
  const overview = useAsk(
    ['overview', mode],
    () => api.GET('/api/admin/overview', { params: { query: mode === '' ? {} : { mode } } }),
    { every: SELDOM_MS },
  );
  return (
    <>
      <div className="filters">
        <Choice
          label="Mode"
          of={{ '': 'test and live', test: 'test', live: 'live' }}
          value={mode}
          onChange={(event) => setMode(event.target.value as typeof mode)}
        />
      </div>
      <Shown of={overview}>
        {(found) => (
          <>
            <Needs of={found} />
            <FiguresOf of={found} />
            <Section title="PSPs, this hour and the one before">
              {found.psps.length === 0 ? (
                <Empty>None is configured for this mode.</Empty>
              ) : (
                <Table
                  name="PSPs"
                  rows={found.psps}
                  keyOf={({ name, livemode }) => `${name} ${livemode}`}
                  columns={[
                    { head: 'PSP', cell: ({ name }) => name },
                    { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
                    { head: 'Health', cell: ({ health }) => <State is={health} /> },
                    { head: 'Requests', cell: ({ requests }) => counts(requests) },
                  ]}
                />
              )}
            </Section>
            <Section title="Receivers that do not answer">
              {found.receivers.data.length === 0 ? (
                <Empty>Every receiver answers.</Empty>
              ) : (
                <Table
                  name="Receivers"
                  rows={found.receivers.data}
                  keyOf={({ id }) => id}
                  columns={[
                    { head: 'Receiver', cell: ({ id, endpointId }) => endpointId ?? id },
                    { head: 'Merchant', cell: ({ merchantId }) => merchantId },
                    { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
                    { head: 'Since', cell: ({ since }) => <Time at={since} /> },
                  ]}
                />
              )}
            </Section>
          </>
        )}
      </Shown>
    </>
  );
}

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
    .join(', ') || 'none';

/** What somebody should do something about, first. */
function Needs({ of: { review, receivers, nextRun, workers, books } }: { readonly of: Whole }) {
  const broken = books?.broken.length ?? 0;
  return (
    <ul className="tiles" aria-label="What needs somebody">
      <li>
        <Link to="/review">
          <strong>{review.waiting}</strong> in review
          {review.oldestAgeSeconds !== null && (
            <span className="faint">
              the oldest for <Span seconds={review.oldestAgeSeconds} />
            </span>
          )}
        </Link>
      </li>
      <li>
        <Link to="/?needsOperator=true">
          <strong>need an operator</strong>
          <span className="faint">see which</span>
        </Link>
      </li>
      <li>
        <Link to="/books">
          <strong className={broken > 0 ? 'failed' : 'balanced'}>
            {broken > 0 ? `${broken} rules broken` : books ? 'the books hold' : 'the books'}
          </strong>
          <span className="faint">{books ? <Time at={books.checkedAt} /> : 'not checked yet'}</span>
        </Link>
      </li>
      <li>
        <Link to="/runs">
          <strong>{nextRun === null ? 'runs: not known' : nextRun.paused ? 'runs are paused' : 'the next run'}</strong>
          <span className="faint">
            <Time at={nextRun?.nextRunAt} />
          </span>
        </Link>
      </li>
      <li>
        <div className="tile">
          <strong className={workers.stuck > 0 || workers.running === 0 ? 'failed' : undefined}>{workers.running} workers</strong>
          <span className="faint">{workers.stuck} of them stuck</span>
        </div>
      </li>
      <li>
        <div className="tile">
          <strong className={receivers.failing > 0 ? 'failed' : undefined}>{receivers.failing} receivers</strong>
          <span className="faint">do not answer</span>
        </div>
      </li>
    </ul>
  );
}

/** Of an installation, or of one merchant. */
export function FiguresOf({ of }: { readonly of: Figures }) {
  const { states, rates, asOf } = of;
  return (
    <>
      <Section title="What stands where">
        {states.length === 0 ? (
          <Empty>Nothing yet.</Empty>
        ) : (
          <Table
            name="States"
            rows={states}
            keyOf={({ flow, currency, livemode, state }) => [flow, currency, livemode, state].join(' ')}
            columns={[
              { head: 'Flow', cell: ({ flow }) => flow.replaceAll('-', ' ') },
              { head: 'State', cell: ({ state }) => <State is={state} /> },
              { head: 'Mode', cell: ({ livemode }) => (livemode ? 'live' : 'test') },
              { head: 'Count', cell: ({ count }) => count, isNumber: true },
              { head: 'Amount', cell: ({ amount, currency }) => inWords(amount, currency), isNumber: true },
            ]}
          />
        )}
      </Section>
      <Outcomes of={of} />
      <Section title="How it went">
        {rates.map((rate) => (
          <Facts
            key={[rate.flow, rate.currency, rate.livemode, rate.over].join(' ')}
            of={{
              [rate.over === 'hours' ? 'In 24 hours' : 'In 30 days']:
                `${rate.flow.replaceAll('-', ' ')}, ${rate.currency}${rate.livemode ? '' : ', test'}`,
              Succeeded: rate.succeeded,
              Failed: rate.failed,
              'Success rate': rate.successRate === null ? '—' : `${(rate.successRate * 100).toFixed(1)} %`,
              'Paid within (half of them)': seconds(rate.timeToPaidMs.p50),
              'Paid within (95 of 100)': seconds(rate.timeToPaidMs.p95),
            }}
          />
        ))}
        <p className="faint">
          As of <Time at={asOf} />
        </p>
      </Section>
    </>
  );
}

const seconds = (ms: number | null): string => (ms === null ? '—' : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`);
