/** A list as a table that a keyboard can walk through (`j`, `k`), and that becomes cards where there is no room. */
import { type ReactNode, useRef } from 'react';
import { Link } from '../router.tsx';
import { useKeys } from './keys.ts';
import { Empty, Failed, Loading } from './states.tsx';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand under each other. */
  readonly isNumber?: boolean;
}

interface TableProps<Row> {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  /** Where a row leads: its first cell is the link. */
  readonly to?: ((row: Row) => string) | undefined;
}

export function Table<Row>({ name, rows, columns, keyOf, to }: TableProps<Row>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const walk = (by: number) => () => {
    const links = [...(body.current?.querySelectorAll<Element>('[data-row]') ?? [])] as HTMLElement[];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  };
  useKeys(to ? { j: walk(1), k: walk(-1) } : {});
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section className="scroll" aria-label={name} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ head, isNumber }) => (
              <th key={head} scope="col" className={isNumber ? 'number' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, cell, isNumber }, index) => (
                <td key={head} data-head={head} className={isNumber ? 'number' : undefined}>
                  {index === 0 && to ? (
                    <Link to={to(row)} data-row="">
                      {cell(row)}
                    </Link>
                  ) : (
                    cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface ListProps<Row> extends Omit<TableProps<Row>, 'rows'> {
  readonly of: {
    readonly rows: readonly Row[];
    readonly error: Error | null;
    readonly isPending: boolean;
    readonly hasNextPage?: boolean;
    readonly isFetchingNextPage?: boolean;
    readonly refetch: () => unknown;
    readonly fetchNextPage?: () => unknown;
  };
  readonly empty: ReactNode;
}

/** A list of the API, with its states. */
export function List<Row>({ of, empty, ...table }: ListProps<Row>) {
  const failed = of.error && <Failed error={of.error} again={() => void of.refetch()} />;
  if (of.rows.length === 0) return failed ?? (of.isPending ? <Loading /> : <Empty>{empty}</Empty>);
  return (
    <>
      {failed}
      <Table rows={of.rows} {...table} />
      {of.hasNextPage && (
        <button type="button" disabled={of.isFetchingNextPage} onClick={() => void of.fetchNextPage?.()}>
          More
        </button>
      )}
    </>
  );
}
