/** Where a merchant is told: its endpoints, their health, and a new one. */
import { useState } from 'react';
import { api, once, type Schemas } from '../api.ts';
import { SELDOM_MS, useAct, usePages } from '../query.ts';
import { State, Time } from '../ui/bits.tsx';
import { Confirm, Secret, textOf } from '../ui/Dialog.tsx';
import { Field, faultAt } from '../ui/fields.tsx';
import { type Column, List } from '../ui/Table.tsx';

type Row = Schemas['WebhookEndpoint'];

export const healthOf = ({ health, paused }: Row): string => (paused ? 'paused' : health.state);

const COLUMNS: readonly Column<Row>[] = [
  { head: 'Address', cell: ({ url }) => url },
  { head: 'Health', cell: (row) => <State is={healthOf(row)} /> },
  { head: 'Waiting', cell: ({ health }) => health.waiting, isNumber: true },
  { head: 'Told of', cell: ({ eventTypes }) => eventTypes.join(', ') },
  { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Endpoints() {
  const endpoints = usePages(['endpoints'], (query) => api.GET('/api/v1/webhook-endpoints', { params: { query } }), {
    every: SELDOM_MS,
  });
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const making = useAct(
    (form: FormData) => {
      const eventTypes = textOf(form, 'eventTypes').split(/[ ,]+/).filter(Boolean);
      const header = once();
      return api.POST('/api/v1/webhook-endpoints', { params: { header }, body: { url: textOf(form, 'url'), eventTypes } });
    },
    (made) => {
      setMaking(false);
      setSecret(made.secret);
    },
  );
  return (
    <>
      <div className="buttons left">
        <button type="button" className="main" onClick={() => setMaking(true)}>
          New endpoint
        </button>
      </div>
      <List
        name="Endpoints"
        of={endpoints}
        columns={COLUMNS}
        keyOf={({ id }) => id}
        to={({ id }) => `/endpoints/${id}`}
        empty="Nobody is told yet. An endpoint gets every event, signed."
      />
      {isMaking && (
        <Confirm
          title="New endpoint"
          act="Make it"
          isBusy={making.isPending}
          error={making.error}
          onAct={making.mutate}
          onClose={() => setMaking(false)}
        >
          <Field label="Address" name="url" type="url" required placeholder="https://…" fault={faultAt(making.error, '/url')} />
          <Field
            label="Told of"
            name="eventTypes"
            required
            defaultValue="payout.*"
            hint="Types or families of events, separated by commas; * for all"
            fault={faultAt(making.error, '/eventTypes/0')}
          />
        </Confirm>
      )}
      {secret && <Secret title="What signs its webhooks" secret={secret} onClose={() => setSecret(undefined)} />}
    </>
  );
}
