/**
 * Which worlds have been seen, lean: a 64-bit hash each, and how it was reached first (from which world, by which of its
 * moves), so that a story can be told. Of ten million worlds two share a hash with a probability of some 3 in a million;
 * then one of them would not be looked into.
 */
export interface Visited {
  /** The world's number if it is new; if not, one below zero: `~number`. */
  add(world: string, parent: number, move: number): number;
  readonly size: number;
  /** The moves that lead here from the start, in order. */
  pathTo(number: number): number[];
}

const FIRST = 1 << 16;

export function newVisited(): Visited {
  let slots = new Int32Array(2 * FIRST); // a world's number, and one
  let low = new Int32Array(FIRST);
  let high = new Int32Array(FIRST);
  let parents = new Int32Array(FIRST);
  let moves = new Uint16Array(FIRST);
  let size = 0;

  /** The slot of this hash, or the free one where it belongs. */
  function slotOf(a: number, b: number): number {
    const mask = slots.length - 1;
    let slot = a & mask;
    for (let number = slots[slot] ?? 0; number > 0; number = slots[slot] ?? 0) {
      if (low[number - 1] === a && high[number - 1] === b) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  function grow(): void {
    const wider = <T extends Int32Array | Uint16Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    const length = 2 * low.length;
    low = wider(low, new Int32Array(length));
    high = wider(high, new Int32Array(length));
    parents = wider(parents, new Int32Array(length));
    moves = wider(moves, new Uint16Array(length));
    slots = new Int32Array(2 * length);
    for (let number = 1; number <= size; number += 1) slots[slotOf(low[number - 1] ?? 0, high[number - 1] ?? 0)] = number;
  }

  return {
    add(world, parent, move) {
      const [a, b] = hashOf(world);
      const slot = slotOf(a, b);
      const known = slots[slot] ?? 0;
      if (known > 0) return ~(known - 1);
      low[size] = a;
      high[size] = b;
      parents[size] = parent;
      moves[size] = move;
      size += 1;
      slots[slot] = size;
      if (size === low.length) grow();
      return size - 1;
    },
    get size() {
      return size;
    },
    pathTo(number) {
      const path: number[] = [];
      for (let at = number; at > 0; at = parents[at] ?? 0) path.unshift(moves[at] ?? 0);
      return path;
    },
  };
}

/** Two 32-bit halves that stir each other (cyrb53's way, without cutting the result to 53 bits). */
function hashOf(text: string): [number, number] {
  let a = 0x9e3779b9 | 0;
  let b = 0x41c6ce57 | 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x85ebca6b);
    b = Math.imul(b ^ code, 0xc2b2ae35);
  }
  a = Math.imul(a ^ (a >>> 16), 0x21f0aaad) ^ Math.imul(b ^ (b >>> 13), 0x735a2d97);
  b = Math.imul(b ^ (b >>> 16), 0x21f0aaad) ^ Math.imul(a ^ (a >>> 13), 0x735a2d97);
  return [a | 0, b | 0];
}
