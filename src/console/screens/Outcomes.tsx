/** How many came, and how many succeeded, hour by hour or day by day. */
import { useState } from 'react';
import type { Schemas } from '../api.ts';
import { Section } from '../ui/bits.tsx';
import { Choice } from '../ui/fields.tsx';
import { Plot } from '../ui/Plot.tsx';
import { Empty } from '../ui/states.tsx';

export type Figures = Pick<Schemas['AdminOverview'], 'asOf' | 'states' | 'rates' | 'hours' | 'days'>;

const STEP_S = { hours: 3_600, days: 86_400 } as const;
const WHAT = { created: 'taken in', SUCCEEDED: 'succeeded', FAILED: 'failed' } as const;

export function Outcomes({ of }: { readonly of: Figures }) {
  const [over, setOver] = useState<keyof typeof STEP_S>('hours');
  const [what, setWhat] = useState<keyof typeof WHAT>('created');
  const counted = new Map<number, number>();
  for (const { from, outcome, count } of of[over]) {
    const at = Date.parse(from) / 1_000;
    if (outcome === what) counted.set(at, (counted.get(at) ?? 0) + count);
  }
  const [first, last] = [Math.min(...counted.keys()), Math.max(...counted.keys())];
  // One in which nothing came is a nought, not a line drawn across it.
  const times =
    counted.size === 0
      ? []
      : Array.from({ length: (last - first) / STEP_S[over] + 1 }, (_, index) => first + index * STEP_S[over]);
  return (
    <Section title="Over time">
      <div className="filters">
        <Choice
          label="By"
          of={{ hours: 'hour', days: 'day' }}
          value={over}
          onChange={(event) => setOver(event.target.value as typeof over)}
        />
        <Choice label="How many" of={WHAT} value={what} onChange={(event) => setWhat(event.target.value as typeof what)} />
      </div>
      {times.length < 2 ? (
        <Empty>Not enough for a line yet.</Empty>
      ) : (
        <Plot
          label={`How many were ${WHAT[what]}, by ${over === 'hours' ? 'hour' : 'day'}`}
          times={times}
          values={times.map((at) => counted.get(at) ?? 0)}
        />
      )}
    </Section>
  );
}
