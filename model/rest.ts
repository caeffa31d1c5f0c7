/**
 * Whether everything comes to rest: from every world that was seen, by deeds that are due, a world must be reachable in which
 * none is. Otherwise something goes round for ever, and what must hold at rest is never asked.
 */
export interface DueDeeds {
  /** From one world to another, by a deed that is due. */
  add(from: number, to: number): void;
  rests(number: number): void;
  /** The first of so many worlds from which none at rest is reached. */
  restless(size: number): number | undefined;
}

export function newDueDeeds(): DueDeeds {
  let from = new Int32Array(1 << 16);
  let to = new Int32Array(1 << 16);
  let count = 0;
  const resting: number[] = [];

  /** Of each world, from where it is reached: `sources` from `starts[world]` on. */
  function backwards(size: number): { starts: Int32Array; sources: Int32Array } {
    const starts = new Int32Array(size + 1);
    for (let at = 0; at < count; at += 1) starts[(to[at] ?? 0) + 1] = (starts[(to[at] ?? 0) + 1] ?? 0) + 1;
    for (let world = 0; world < size; world += 1) starts[world + 1] = (starts[world + 1] ?? 0) + (starts[world] ?? 0);
    const free = starts.slice();
    const sources = new Int32Array(count);
    for (let at = 0; at < count; at += 1) {
      const world = to[at] ?? 0;
      const slot = free[world] ?? 0;
      sources[slot] = from[at] ?? 0;
      free[world] = slot + 1;
    }
    return { starts, sources };
  }

  return {
    add(source, target) {
      if (count === from.length) {
        const wider = (old: Int32Array): Int32Array<ArrayBuffer> => {
          const fresh = new Int32Array(2 * old.length);
          fresh.set(old);
          return fresh;
        };
        from = wider(from);
        to = wider(to);
      }
      from[count] = source;
      to[count] = target;
      count += 1;
    },
    rests: (number) => void resting.push(number),
    restless(size) {
      const { starts, sources } = backwards(size);
      const isReached = new Uint8Array(size);
      const open = [...resting];
      for (const number of resting) isReached[number] = 1;
      for (let number = open.pop(); number !== undefined; number = open.pop()) {
        for (let slot = starts[number] ?? 0; slot < (starts[number + 1] ?? 0); slot += 1) {
          const source = sources[slot] ?? 0;
          if (isReached[source] === 1) continue;
          isReached[source] = 1;
          open.push(source);
        }
      }
      const first = isReached.indexOf(0);
      return first < 0 ? undefined : first;
    },
  };
}
