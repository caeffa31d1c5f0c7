/** What an invariant is, what a flow contributes to the checks of the books, and how several that look at the same rows are asked in one pass over them. */

/** Rows that several invariants look at: gathered once for all of them. */
export interface Relation {
  readonly name: string;
  readonly rows: string;
}

/** Every row it returns is a violation, and says which: a query of its own, one `FROM` a relation, or some rows of a relation. */
type Query =
  | { readonly sql: string; readonly over?: Relation }
  | { readonly over: Relation; readonly where: string; readonly show: string };

/** One query, or several of which none may return a row. */
export type Invariant = { readonly name: string; readonly description: string } & (
  | Query
  | { readonly queries: readonly Query[] }
);

/** What a flow contributes to the checks of the books, in a file of its own; invariants.ts lists them. */
export interface FlowChecks {
  readonly invariants: readonly Invariant[];
  /** What its subjects hold of reserved money: a query for (balance_id, held), any number of rows a balance. */
  readonly openHolds?: string;
  /** What owners owe for its subjects, which keep that themselves: a query for (balance_id, owed), any number of rows a balance. */
  readonly openDebts?: string;
  /** Under which key each type of its entries is booked, by the kind of subject they name; null: none. */
  readonly entryKeys?: readonly EntryKeys[];
  /** What is true of the key of its credits, which is the key of what they repay, too. */
  readonly creditKeys?: string;
}

export interface EntryKeys {
  readonly subjectKind: string | null;
  /** By type, what must be true of `op_key`, `subject_id` and `leg`. */
  readonly keys: Readonly<Record<string, string>>;
}

/** One statement; it answers each of its queries with a row under the invariant's name. */
export interface Pass {
  readonly text: string;
  readonly names: readonly string[];
}

/** Violations shown, for whoever must repair them. */
export const SAMPLE = 5;

/** Passes over relations first, in the order of the list: what is short fills the gaps at the end. */
export function passesOf(invariants: readonly Invariant[]): Pass[] {
  const parts = invariants.flatMap((each) =>
    ('queries' in each ? each.queries : [each]).map((query) => ({ name: each.name, query })),
  );
  const relations = new Set(parts.flatMap(({ query }) => query.over ?? []));
  const shared = [...relations].map((relation) =>
    pass(
      parts.filter(({ query }) => query.over === relation),
      relation,
    ),
  );
  return [...shared, ...parts.filter(({ query }) => !query.over).map((part) => pass([part]))];
}

interface Part {
  readonly name: string;
  readonly query: Query;
}

function pass(parts: readonly Part[], relation?: Relation): Pass {
  const text = parts.map(answer).join(' UNION ALL ');
  return { text: relation ? `${gather(relation, parts)} ${text}` : text, names: parts.map(({ name }) => name) };
}

/** Where all look only for some rows of a relation, no others are kept: of millions, none. */
function gather({ name, rows }: Relation, parts: readonly Part[]): string {
  const wanted = parts.flatMap(({ query }) => ('where' in query ? `(${query.where})` : []));
  const filter = wanted.length === parts.length ? ` WHERE ${wanted.join(' OR ')}` : '';
  return `WITH ${name} AS MATERIALIZED (SELECT * FROM (${rows}) ${name}${filter})`;
}

function answer({ name, query }: Part): string {
  const sql = 'sql' in query ? query.sql : `SELECT ${query.show} FROM ${query.over.name} WHERE ${query.where}`;
  return `SELECT '${name}' AS name, count(*)::int AS violations, coalesce(jsonb_agg(to_jsonb(v) - 'nth') FILTER (WHERE nth <= ${SAMPLE}), '[]') AS sample
            FROM (SELECT *, row_number() OVER () AS nth FROM (${sql}) found) v`;
}
