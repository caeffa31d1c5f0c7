/** Fields of forms and filters: each with its label, its hint, and what is wrong with it. */
import { type ComponentProps, type ReactNode, useId } from 'react';

interface Around {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly fault?: string | undefined;
}

function Labelled({ label, hint, fault, id, children }: Around & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      <small id={`${id}-hint`} className={fault ? 'fault' : 'faint'}>
        {fault ?? hint}
      </small>
    </div>
  );
}

export function Field({ label, hint, fault, ...input }: Around & Omit<ComponentProps<'input'>, 'id'>) {
  const id = useId();
  return (
    <Labelled {...{ label, hint, fault, id }}>
      <input {...input} id={id} aria-describedby={`${id}-hint`} aria-invalid={fault !== undefined} />
    </Labelled>
  );
}

export function Text({ label, hint, fault, ...input }: Around & Omit<ComponentProps<'textarea'>, 'id'>) {
  const id = useId();
  return (
    <Labelled {...{ label, hint, fault, id }}>
      <textarea {...input} id={id} aria-describedby={`${id}-hint`} aria-invalid={fault !== undefined} />
    </Labelled>
  );
}

interface ChoiceProps extends Around, Omit<ComponentProps<'select'>, 'id'> {
  /** Values, and what they are called; a plain list names itself. */
  readonly of: readonly string[] | Readonly<Record<string, string>>;
}

export function Choice({ label, hint, fault, of, ...select }: ChoiceProps) {
  const id = useId();
  const options = Array.isArray(of) ? of.map((each: string) => [each, each] as const) : Object.entries(of);
  return (
    <Labelled {...{ label, hint, fault, id }}>
      <select {...select} id={id} aria-describedby={`${id}-hint`}>
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

/** Of what the API found wrong, what stands at this field. */
export const faultAt = (error: unknown, pointer: string): string | undefined =>
  (error as { faults?: readonly { pointer: string; detail: string }[] } | null)?.faults?.find((each) => each.pointer === pointer)
    ?.detail;
