/** The runs that hand approved provider payouts over, and the next one. */
import { useState } from 'react';
import { type Answer, api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, usePages } from '../query.ts';
import { useMay } from '../session.tsx';
import { Facts, inWords, State, Time } from '../ui/bits.tsx';
import { Confirm } from '../ui/Dialog.tsx';
import { type Column, List } from '../ui/Table.tsx';

const COLUMNS: readonly Column<Schemas['PayoutRun']>[] = [
  { head: 'Started', cell: ({ startedAt }) => <Time at={startedAt} /> },
  { head: 'By', cell: ({ trigger }) => (trigger === 'admin' ? 'a person' : 'the clock') },
  { head: 'Handed over', cell: ({ dispatched }) => dispatched, isNumber: true },
  { head: 'Paid', cell: ({ completed }) => completed, isNumber: true },
  { head: 'Failed', cell: ({ failed }) => failed, isNumber: true },
  {
    head: 'Amount',
    cell: ({ amount }) => Object.entries(amount).map(([currency, each]) => <div key={currency}>{inWords(each, currency)}</div>),
    isNumber: true,
  },
  { head: 'Ended', cell: ({ finishedAt }) => (finishedAt ? <Time at={finishedAt} /> : <State is="PROCESSING" />) },
];

const ACTS = {
  run: { title: 'Hand over all approved provider payouts now', ask: () => api.POST('/api/admin/payout-runs', { body: {} }) },
  pause: { title: 'Pause the runs', ask: () => api.POST('/api/admin/payout-runs/pause', { body: {} }) },
  resume: { title: 'Let the runs go on', ask: () => api.POST('/api/admin/payout-runs/resume', { body: {} }) },
} as const satisfies Record<string, { readonly title: string; readonly ask: () => Promise<Answer<unknown>> }>;
type ActName = keyof typeof ACTS;

export function Runs() {
  const runs = usePages(['runs'], (query) => api.GET('/api/admin/payout-runs', { params: { query } }), { every: OFTEN_MS });
  const [chosen, choose] = useState<ActName>();
  const may = useMay();
  const doing = useAct(
    (name: ActName): Promise<Answer<unknown>> => ACTS[name].ask(),
    () => choose(undefined),
  );
  const schedule = runs.data?.pages[0] as Schemas['PayoutRunSchedule'] | undefined;
  const isPaused = schedule?.paused === true;
  return (
    <>
      <Facts of={{ Next: isPaused ? <State is="paused" /> : <Time at={schedule?.nextRunAt} /> }} />
      <div className="buttons left">
        {(['run', isPaused ? 'resume' : 'pause'] as const).map((name) => (
          <button key={name} type="button" disabled={!may('payoutRuns')} onClick={() => choose(name)}>
            {ACTS[name].title}
          </button>
        ))}
      </div>
      <List name="Runs" of={runs} columns={COLUMNS} keyOf={({ id }) => id} empty="No run has been yet." />
      {chosen && (
        <Confirm
          title={ACTS[chosen].title}
          act="Do it"
          isBusy={doing.isPending}
          error={doing.error}
          onAct={() => doing.mutate(chosen)}
          onClose={() => choose(undefined)}
        >
          <p>What is with a PSP goes on as it is.</p>
        </Confirm>
      )}
    </>
  );
}
