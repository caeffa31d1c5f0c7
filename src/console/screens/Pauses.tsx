/** What is paused: nothing new of it is sent, what is on the wire goes on. */
import { useState } from 'react';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, useAct, useAsk, usePages } from '../query.ts';
import { useMay } from '../session.tsx';
import { Id, State, Time } from '../ui/bits.tsx';
import { Confirm, textOf } from '../ui/Dialog.tsx';
import { Choice, Field, faultAt, Text } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Pause = Schemas['Pause'];
type Scope = Schemas['NewPauseInput']['scope'];

export const scopeInWords = ({ scope: { kind, name } }: Pick<Pause, 'scope'>): string =>
  kind === 'all' ? 'everything' : `${kind} ${name}`;

const KINDS = { psp: 'a PSP', merchant: 'a merchant (its id)', flow: 'a flow', all: 'everything' } as const;

/** What holds now, for whoever must know of it. */
export const usePauses = (enabled: boolean) =>
  useAsk(['pauses', 'holding'], () => api.GET('/api/admin/pauses', { params: { query: { status: 'holding' } } }), {
    every: OFTEN_MS,
    enabled,
  });

function bodyOf(form: FormData): Schemas['NewPauseInput'] {
  const [kind, name, until] = [textOf(form, 'kind'), textOf(form, 'name'), textOf(form, 'until')];
  const scope = (kind === 'all' ? { kind } : { kind, name }) as Scope; // a name that there is not, the API refuses
  return { scope, reason: textOf(form, 'reason'), ...(until && { until: new Date(until).toISOString() }) };
}

export function Pauses() {
  const may = useMay();
  const pauses = usePages(['pauses'], (query) => api.GET('/api/admin/pauses', { params: { query } }), { every: OFTEN_MS });
  const [isAsking, setAsking] = useState(false);
  const [kind, setKind] = useState('psp');
  const [ending, end] = useState<Pause>();
  const pausing = useAct(
    (form: FormData) => api.POST('/api/admin/pauses', { body: bodyOf(form) }),
    () => setAsking(false),
  );
  const resuming = useAct(
    (id: string) => api.POST('/api/admin/pauses/{id}/resume', { params: { path: { id } }, body: {} }),
    () => end(undefined),
  );
  const columns: readonly Column<Pause>[] = [
    { head: 'What', cell: scopeInWords },
    { head: 'State', cell: ({ status }) => <State is={status === 'holding' ? 'paused' : 'ended'} /> },
    { head: 'Because', cell: ({ reason }) => reason },
    { head: 'By', cell: ({ createdBy }) => <Id of={createdBy} /> },
    { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
    { head: 'Until', cell: ({ until, resumedAt }) => <Time at={resumedAt ?? until} /> },
    {
      head: 'Act',
      cell: (pause) =>
        pause.status === 'holding' && (
          <button type="button" disabled={!may('pause')} onClick={() => end(pause)} aria-label={`Resume ${scopeInWords(pause)}`}>
            Resume
          </button>
        ),
    },
  ];
  return (
    <>
      <div className="buttons left">
        <button type="button" className="grave" disabled={!may('pause')} onClick={() => setAsking(true)}>
          Pause
        </button>
        {!may('pause') && <small className="faint">This needs the role operator.</small>}
      </div>
      <List name="Pauses" of={pauses} columns={columns} keyOf={({ id }) => id} empty="Nothing is paused, and nothing ever was." />
      {isAsking && (
        <Confirm
          title="Pause"
          act="Pause"
          isGrave
          isBusy={pausing.isPending}
          error={pausing.error}
          onAct={pausing.mutate}
          onClose={() => setAsking(false)}
        >
          <p className="warning">
            What is on the wire goes on; nothing new is sent until it is resumed. Payouts wait, and go on by themselves.
          </p>
          <Choice label="What" name="kind" of={KINDS} value={kind} onChange={(event) => setKind(event.target.value)} />
          {kind !== 'all' && (
            <Field label="Which" name="name" required maxLength={128} fault={faultAt(pausing.error, '/scope/name')} />
          )}
          <Text label="Why" name="reason" required maxLength={500} rows={2} />
          <Field
            label="Until"
            name="until"
            type="datetime-local"
            hint="Left out, somebody must resume it"
            fault={faultAt(pausing.error, '/until')}
          />
        </Confirm>
      )}
      {ending && (
        <Confirm
          title={`Resume ${scopeInWords(ending)}`}
          act="Resume"
          isBusy={resuming.isPending}
          error={resuming.error}
          onAct={() => resuming.mutate(ending.id)}
          onClose={() => end(undefined)}
        >
          <p>What waited for it is sent, a few at a time, unless another pause holds it.</p>
        </Confirm>
      )}
    </>
  );
}
