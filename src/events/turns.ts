/**
 * Does at most so much at once, the rest in the order in which it came.
 * @param patienceMs whoever stood in line for so long goes ahead without a turn.
 */
export function turns(most: number, patienceMs: number): <Done>(act: () => Promise<Done>) => Promise<Done> {
  const line = new Set<() => void>();
  let underWay = 0;

  /** Whether it was given. */
  const givenTurn = (): Promise<boolean> =>
    new Promise((resolve) => {
      const give = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        line.delete(give);
        resolve(false);
      }, patienceMs);
      line.add(give);
    });

  function passOn(): void {
    const [next] = line;
    if (!next) underWay -= 1;
    else {
      line.delete(next);
      next();
    }
  }

  return async (act) => {
    if (underWay < most) underWay += 1;
    else if (!(await givenTurn())) return await act();
    try {
      return await act();
    } finally {
      passOn();
    }
  };
}
