/**
 * A flow's life as data: its states, the facts that may be told of it, and the edges between. Whatever asks what may happen
 * asks this table: rules, presenters, invariants, and the database, whose copy is written from it (machineSql.ts).
 */

/** What each state says of itself, whatever else it says. */
export interface StateRow {
  /** Nothing more is to come by itself. */
  readonly final: boolean;
}

/** From this state this fact leads there, does this to the money, and is told as this event. */
export interface MachineEdge<State extends string, Fact extends string, Effect extends string, Event extends string> {
  readonly from: State;
  readonly fact: Fact;
  readonly to: State;
  readonly effect: Effect;
  readonly event: Event;
}

export interface MachineTable<
  States extends Readonly<Record<string, StateRow>>,
  Facts extends Readonly<Record<string, string>>,
  Effect extends string,
  Event extends string,
> {
  readonly states: States;
  /** Each with whom it comes from. */
  readonly facts: Facts;
  readonly edges: readonly MachineEdge<keyof States & string, keyof Facts & string, Effect, Event>[];
  /** What the database calls it. */
  readonly sql: {
    /** In which file it stands there, and in which it stands here. */
    readonly file: string;
    readonly source: string;
    readonly edges: string;
    readonly origin: string;
    /** A function for each yes or no of a state that SQL asks for. */
    readonly flags: Readonly<Partial<Record<keyof States[keyof States] & string, string>>>;
  };
}

export interface Machine<
  States extends Readonly<Record<string, StateRow>>,
  Facts extends Readonly<Record<string, string>>,
  Effect extends string,
  Event extends string,
> extends MachineTable<States, Facts, Effect, Event> {
  /** The edge that this fact takes from this state, or undefined where it is not legal. */
  edgeOf(
    from: keyof States,
    fact: keyof Facts,
  ): MachineEdge<keyof States & string, keyof Facts & string, Effect, Event> | undefined;
  isFinal(state: keyof States): boolean;
  statesWhere(holds: (row: States[keyof States]) => boolean): (keyof States & string)[];
}

/** @throws where two edges leave a state by one fact: which was taken would hang on their order */
export function defineMachine<
  States extends Readonly<Record<string, StateRow>>,
  Facts extends Readonly<Record<string, string>>,
  Effect extends string,
  Event extends string,
>(table: MachineTable<States, Facts, Effect, Event>): Machine<States, Facts, Effect, Event> {
  const { states, edges } = table;
  const keyOf = (from: PropertyKey, fact: PropertyKey): string => `${String(from)} ${String(fact)}`;
  const byKey = new Map(edges.map((edge) => [keyOf(edge.from, edge.fact), edge]));
  const twice = edges.find((edge) => byKey.get(keyOf(edge.from, edge.fact)) !== edge);
  if (twice) throw new Error(`two edges leave ${twice.from} by ${twice.fact}`);
  const names = Object.keys(states) as (keyof States & string)[];
  return {
    ...table,
    edgeOf: (from, fact) => byKey.get(keyOf(from, fact)),
    isFinal: (state) => states[state]?.final === true,
    statesWhere: (holds) => names.filter((name) => holds(states[name])),
  };
}
