/**
 * Breadth first through everything that can happen to one thing of a flow within its bounds, until nothing is new: the first finding
 * is a shortest one. What a flow's world is, how one becomes another and what must hold of it, the flow says.
 */
import { newDueDeeds } from './rest.ts';
import { newVisited } from './visited.ts';

export interface FlowMove<World> {
  readonly deed: string;
  /** It happens by itself, sooner or later. One that leads to the world it comes from counts as rest. */
  readonly isDue: boolean;
  readonly after: World;
  /** What is wrong with the deed itself. */
  readonly broken?: string | undefined;
}

export interface Flow<World> {
  readonly start: World;
  movesOf(world: World): readonly FlowMove<World>[];
  /** Equal for equal worlds, different for different ones. */
  pack(world: World): string;
  brokenAlways(world: World): string | undefined;
  brokenAtRest(world: World): string | undefined;
  /** What is reached besides the deed: states, edges. */
  reachedBy(before: World, after: World): readonly string[];
}

export interface FlowExploration {
  readonly states: number;
  readonly resting: number;
  /** Deeds with their answers, and what the flow names. */
  readonly reached: ReadonlySet<string>;
  /** The deeds that lead to it, and what is wrong. */
  readonly finding?: readonly string[];
}

export function exploreFlow<World>(flow: Flow<World>): FlowExploration {
  const visited = newVisited();
  const due = newDueDeeds();
  const reached = new Set<string>(flow.reachedBy(flow.start, flow.start));
  visited.add(flow.pack(flow.start), 0, 0);
  let frontier: { readonly world: World; readonly number: number }[] = [{ world: flow.start, number: 0 }];
  let resting = 0;
  const found = (what: string, path: readonly number[]): FlowExploration => ({
    states: visited.size,
    resting,
    reached,
    finding: [...deedsOf(flow, path), `✗ ${what}`],
  });
  while (frontier.length > 0) {
    const further: typeof frontier = [];
    for (const { world, number } of frontier) {
      const always = flow.brokenAlways(world);
      if (always !== undefined) return found(always, visited.pathTo(number));
      let isAtRest = true;
      for (const [index, { deed, isDue, after, broken }] of flow.movesOf(world).entries()) {
        if (broken !== undefined) return found(broken, [...visited.pathTo(number), index]);
        reached.add(deed);
        for (const each of flow.reachedBy(world, after)) reached.add(each);
        const added = after === world ? ~number : visited.add(flow.pack(after), number, index);
        if (added >= 0) further.push({ world: after, number: added });
        const target = added >= 0 ? added : ~added;
        if (!isDue || target === number) continue;
        isAtRest = false;
        due.add(number, target);
      }
      if (!isAtRest) continue;
      const problem = flow.brokenAtRest(world);
      if (problem !== undefined) return found(problem, visited.pathTo(number));
      resting += 1;
      due.rests(number);
    }
    frontier = further;
  }
  const restless = due.restless(visited.size);
  if (restless !== undefined) return found('it goes on for ever, and never comes to rest', visited.pathTo(restless));
  return { states: visited.size, resting, reached };
}

function deedsOf<World>(flow: Flow<World>, path: readonly number[]): string[] {
  let world = flow.start;
  return path.map((index) => {
    const move = flow.movesOf(world)[index];
    if (!move) throw new Error('the same world has other moves than before: something in the model is not a pure function');
    world = move.after;
    return move.deed;
  });
}
