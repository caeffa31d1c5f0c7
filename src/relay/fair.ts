/** Who may send next: within the limits, and one merchant after the other, however much one of them has to send. */

export interface Limits {
  /** In all, in this process: each is a socket. */
  readonly all: number;
  readonly perMerchant: number;
  /** One server, whoever's endpoints lead to it. */
  readonly perOrigin: number;
  /** Of those for receivers that did not take the last one: each may be held for as long as a send may take. */
  readonly doubtful: number;
  readonly doubtfulPerMerchant: number;
}

export interface Place {
  readonly merchant: string;
  readonly origin: string;
  readonly isDoubtful: boolean;
}

export interface Slots {
  /** Takes one, or says that there is none. */
  take(place: Place): boolean;
  leave(place: Place): void;
  /** None is left at all. */
  isFull(): boolean;
}

export function createSlots({ all, perMerchant, perOrigin, doubtful, doubtfulPerMerchant }: Limits): Slots {
  const taken = new Map<string, number>();
  const count = (key: string): number => taken.get(key) ?? 0;
  const change = (place: Place, by: 1 | -1): void => {
    for (const [key] of limitsOf(place)) {
      const now = count(key) + by;
      if (now === 0) taken.delete(key);
      else taken.set(key, now);
    }
  };
  const limitsOf = ({ merchant, origin, isDoubtful }: Place): readonly (readonly [string, number])[] => [
    ['all', all],
    [`merchant ${merchant}`, perMerchant],
    [`origin ${origin}`, perOrigin],
    ...(isDoubtful
      ? ([
          ['doubtful', doubtful],
          [`doubtful ${merchant}`, doubtfulPerMerchant],
        ] as const)
      : []),
  ];
  return {
    take(place) {
      if (limitsOf(place).some(([key, limit]) => count(key) >= limit)) return false;
      change(place, 1);
      return true;
    },
    leave: (place) => change(place, -1),
    isFull: () => count('all') >= all,
  };
}

/**
 * One of each merchant's in turn, until none can begin any more.
 * @param begin begins one if it can, and says whether it did.
 * @param lastServed who was served last: the round goes on after them.
 * @returns who was served last.
 */
export function inTurn<T>(
  items: readonly T[],
  merchantOf: (item: T) => string,
  begin: (item: T) => boolean,
  lastServed: string | undefined,
): string | undefined {
  const byMerchant = new Map<string, T[]>();
  for (const item of items) {
    const own = byMerchant.get(merchantOf(item));
    if (own) own.push(item);
    else byMerchant.set(merchantOf(item), [item]);
  }
  const order = [...byMerchant.keys()].sort();
  const from = lastServed === undefined ? 0 : order.findIndex((merchant) => merchant > lastServed);
  let round = from > 0 ? [...order.slice(from), ...order.slice(0, from)] : order;
  let served = lastServed;
  while (round.length > 0) {
    round = round.filter((merchant) => {
      const own = byMerchant.get(merchant) ?? [];
      for (let left = own.length; left > 0; left -= 1) {
        const item = own.shift();
        if (item === undefined) return false;
        if (begin(item)) {
          own.push(item); // it may have more: after the merchant's others
          served = merchant;
          return true;
        }
      }
      return false;
    });
  }
  return served;
}
