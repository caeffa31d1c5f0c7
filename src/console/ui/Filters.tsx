/** The filters of a list, kept in the address; and the same list as a file. */
import { useMutation } from '@tanstack/react-query';
import { download } from '../download.ts';
import { Choice, Field } from './fields.tsx';
import { Failed } from './states.tsx';

export type Filter = Readonly<Record<string, string>>;

/** A field for each name: free text, a time, or one of these. */
export type FilterFields = Readonly<Record<string, { readonly label: string; readonly of: 'text' | 'time' | readonly string[] }>>;

interface FiltersProps {
  readonly fields: FilterFields;
  readonly filter: Filter;
  readonly set: (change: Record<string, string>) => void;
  /** The API's table of the same list, where there is one. */
  readonly csv?: string;
}

/** `datetime-local` knows no zone: the reader's. */
const toLocal = (iso: string): string => {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

export function Filters({ fields, filter, set, csv }: FiltersProps) {
  return (
    <form className="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filters">
      {Object.entries(fields).map(([name, { label, of }]) => {
        const value = filter[name] ?? '';
        if (of === 'time') {
          const change = (local: string) => set({ [name]: local && new Date(local).toISOString() });
          return (
            <Field
              key={name}
              label={label}
              type="datetime-local"
              value={value && toLocal(value)}
              onChange={(event) => change(event.target.value)}
            />
          );
        }
        if (of === 'text') {
          return (
            <Field
              key={name}
              label={label}
              value={value}
              maxLength={128}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          );
        }
        const options = { '': 'any', ...Object.fromEntries(of.map((each) => [each, each.toLowerCase().replaceAll('_', ' ')])) };
        return (
          <Choice key={name} label={label} of={options} value={value} onChange={(event) => set({ [name]: event.target.value })} />
        );
      })}
      {csv && <AsCsv path={`${csv}?${new URLSearchParams(filter)}`} />}
    </form>
  );
}

function AsCsv({ path }: { readonly path: string }) {
  const saving = useMutation({ mutationFn: () => download(path, 'payouts.csv') });
  return (
    <>
      <button type="button" onClick={() => saving.mutate()} disabled={saving.isPending}>
        {saving.isPending ? 'Writing…' : 'As CSV'}
      </button>
      {saving.error && <Failed error={saving.error} />}
    </>
  );
}
