/** The rules under exploration, today's; and within which bounds. What is broken on purpose (breaks.ts) is a change of them. */
import type { Beginning } from './books.ts';
import { decide, openResolution } from './decisions.ts';
import { cover, endPaying, endRollback, payUsers, stop, unpayUsers } from './paying.ts';

export interface MarketRules {
  readonly open: typeof openResolution;
  readonly decide: typeof decide;
  readonly cover: typeof cover;
  readonly pay: typeof payUsers;
  readonly endPaying: typeof endPaying;
  readonly unpay: typeof unpayUsers;
  readonly endRollback: typeof endRollback;
  readonly stop: typeof stop;
  /** Somebody looks for resolutions that have no workflow. */
  readonly looksAfter: boolean;
}

export const MARKETS_TODAY: MarketRules = {
  open: openResolution,
  decide,
  cover,
  pay: payUsers,
  endPaying,
  unpay: unpayUsers,
  endRollback,
  stop,
  looksAfter: true,
};

/** What may happen, and how often. A word that the books refuse changes nothing, and may be said at any time. */
export interface MarketLeft {
  readonly resolves: number;
  /** Approved or rejected. */
  readonly reviews: number;
  readonly disputes: number;
  /** Upheld or overturned. */
  readonly judgements: number;
  readonly rollbacks: number;
  readonly retries: number;
  /** Disputes of single distributions, and what is decided on them. */
  readonly doubts: number;
  readonly freezes: number;
  readonly spends: number;
  readonly withdrawals: number;
  readonly deposits: number;
  readonly pauses: number;
  /** A step fails a third time for a reason that no function knows; tried again later, it does not. */
  readonly stops: number;
  /** What is done for the whole of a resolution is refused, until somebody has mended the books. */
  readonly faults: number;
  readonly deaths: number;
}

export interface MarketBounds {
  readonly name: string;
  readonly beginning: Beginning;
  readonly placed: readonly (readonly [user: number, option: string, amount: bigint])[];
  /** What may be said to have come true, at first and when it is overturned. */
  readonly outcomes: readonly string[];
  /** Users a step. */
  readonly step: number;
  readonly left: MarketLeft;
}

const NONE: MarketLeft = {
  resolves: 0, reviews: 0, disputes: 0, judgements: 0, rollbacks: 0, retries: 0, doubts: 0, freezes: 0, spends: 0, withdrawals: 0,
  deposits: 0, pauses: 0, stops: 0, faults: 0, deaths: 0,
}; // biome-ignore format: a list

/** Of a pool of 15 the house has 2 and the creator 1, and of the net of 12 units are left over, whoever wins. */
const TERMS = { houseFeeBps: 1000, creatorFeeBps: 1000, feeBase: 'gross' } as const;
const THREE = [{ available: 5n }, { available: 3n }, { available: 7n }] as const;

/** The first, who is the market's creator, and the second are against the third. */
export const marketBounds = (name: string, left: Partial<MarketLeft>, more: Partial<MarketBounds> = {}): MarketBounds => ({
  name,
  beginning: { terms: TERMS, merchant: 0n, people: THREE, creator: 0 },
  placed: [[0, 'yes', 5n], [1, 'yes', 3n], [2, 'no', 7n]], // biome-ignore format: a list
  outcomes: ['yes'],
  step: 2,
  ...more,
  left: { ...NONE, ...left },
});

const start = (more: Partial<Beginning>): Partial<MarketBounds> => ({
  beginning: { terms: TERMS, merchant: 0n, people: THREE, creator: 0, ...more },
});

const ALL = ['yes', 'no', 'void'] as const;
const WHO_OWE = start({ people: [{ available: 5n, debt: 4n }, { available: 3n, debt: 1n }, { available: 7n }] });
const TWO_HAVE = [{ available: 5n }, { available: 5n }] as const;
export const TWO = {
  ...start({ people: TWO_HAVE }),
  placed: [[0, 'yes', 5n], [1, 'no', 5n]],
} as const; // biome-ignore format: a list

const REVIEWED = { ...TWO, ...start({ reviewLimit: 10n, people: TWO_HAVE }), outcomes: ['yes', 'no'] };

/** In `npm test`: some seconds together. */
export const MARKETS_SHORT: readonly MarketBounds[] = [
  marketBounds('two admins resolve, and workers die', { resolves: 2, deaths: 1 }, { outcomes: ALL }),
  marketBounds(
    'reviewed, disputed, upheld and overturned in any order',
    { resolves: 1, reviews: 2, disputes: 1, judgements: 1 },
    REVIEWED,
  ),
  marketBounds('disputed while its window ends, and workers die', { resolves: 1, disputes: 1, judgements: 1, deaths: 1 }, TWO),
  marketBounds('taken back at any moment, and workers die', { resolves: 1, rollbacks: 1, deaths: 1 }, TWO),
  marketBounds('taken back, and resolved again by either admin', { resolves: 2, rollbacks: 2 }, TWO),
  marketBounds(
    'a winner who has spent it, and a merchant who has not got it',
    { resolves: 2, rollbacks: 1, spends: 1, deposits: 1 },
    TWO,
  ),
  marketBounds('somebody is frozen, and it is tried again', { resolves: 1, rollbacks: 1, freezes: 2, retries: 2 }, TWO),
  marketBounds('winners who owe, paid beside others', { resolves: 1, rollbacks: 1, deaths: 1 }, WHO_OWE),
  marketBounds('what single users were paid is disputed', { resolves: 1, doubts: 3, rollbacks: 1 }, TWO),
  marketBounds('paused, and a step that fails for good', { resolves: 1, rollbacks: 1, pauses: 2, stops: 1, retries: 1 }, TWO),
  marketBounds('refused by the books until somebody mends them', { resolves: 1, rollbacks: 1, faults: 1, retries: 1 }, TWO),
  marketBounds('refused by the books while it waits for money', { resolves: 2, rollbacks: 1, spends: 1, faults: 1 }, TWO),
];

/** In `npm run model`. */
export const MARKETS_WHOLE: readonly MarketBounds[] = [
  marketBounds('markets: two admins resolve, and workers die', { resolves: 2, deaths: 2 }, { outcomes: ALL }),
  marketBounds(
    'markets: reviewed, disputed, upheld and overturned in any order',
    { resolves: 2, reviews: 2, disputes: 2, judgements: 1 },
    REVIEWED,
  ),
  marketBounds(
    'markets: disputed while its window ends, and workers die',
    { resolves: 1, disputes: 2, judgements: 2, deaths: 1 },
    { outcomes: ALL },
  ),
  marketBounds('markets: taken back at any moment, and resolved again', { resolves: 3, rollbacks: 2, deaths: 1 }),
  marketBounds('markets: a winner who has spent it, and a merchant who has not got it', {
    resolves: 2,
    rollbacks: 1,
    spends: 2,
    withdrawals: 1,
    deposits: 2,
  }),
  marketBounds(
    'markets: what was spent is owed, and workers die',
    { resolves: 2, rollbacks: 1, spends: 1, withdrawals: 1, deposits: 1, deaths: 1 },
    TWO,
  ),
  marketBounds(
    'markets: somebody is frozen, and it is tried again',
    { resolves: 1, rollbacks: 1, freezes: 2, retries: 2, deaths: 1 },
    TWO,
  ),
  marketBounds('markets: winners who owe, paid beside others', { resolves: 1, rollbacks: 1, deaths: 2, spends: 1 }, WHO_OWE),
  marketBounds('markets: what single users were paid is disputed', { resolves: 1, doubts: 3, rollbacks: 1, deaths: 1 }, TWO),
  marketBounds(
    'markets: paused, and steps that fail for good',
    { resolves: 1, rollbacks: 1, pauses: 2, stops: 2, retries: 2, deaths: 1 },
    TWO,
  ),
  marketBounds(
    'markets: refused by the books until somebody mends them',
    { resolves: 1, rollbacks: 1, faults: 2, retries: 2, deaths: 1 },
    TWO,
  ),
];
