/** Lines for what costs something, so that however many want it at once, everybody else has their share. */

export interface TurnsOptions {
  /** At once. */
  readonly most: number;
  /** Whoever stood in line for so long goes ahead without a turn; undefined: nobody does. */
  readonly patienceMs?: number;
}

export type Turns = <Done>(act: () => Promise<Done>, of?: string) => Promise<Done>;

/** Does at most so much at once, the rest in turn of those whose it is (`of`), and of each in the order in which it came. */
export function turns({ most, patienceMs }: TurnsOptions): Turns {
  const lines = new Map<string, Set<() => void>>();
  let underWay = 0;

  /** Whether it was given. */
  const givenTurn = (of: string): Promise<boolean> =>
    new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const give = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      if (patienceMs !== undefined) {
        timer = setTimeout(() => {
          leave(of, give);
          resolve(false);
        }, patienceMs);
      }
      lines.set(of, (lines.get(of) ?? new Set()).add(give));
    });

  function leave(of: string, give: () => void): void {
    const line = lines.get(of);
    line?.delete(give);
    if (line?.size === 0) lines.delete(of);
  }

  function passOn(): void {
    const [first] = lines;
    if (!first) {
      underWay -= 1;
      return;
    }
    const [of, line] = first;
    lines.delete(of);
    lines.set(of, line); // whose turn it is goes behind the others
    const [next] = line;
    if (!next) throw new Error('an empty line');
    leave(of, next);
    next();
  }

  return async (act, of = '') => {
    if (underWay < most) underWay += 1;
    else if (!(await givenTurn(of))) return await act();
    try {
      return await act();
    } finally {
      passOn();
    }
  };
}
