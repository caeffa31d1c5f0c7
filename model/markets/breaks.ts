/** Rules of markets that are wrong on purpose, to show that the model sees. Each names bounds in which it must be found. */
import { type MarketBooks, move, resolutionOf, setResolution, type Told } from './books.ts';
import { decide, openResolution } from './decisions.ts';
import { cover, endPaying, endRollback, payUsers, stop, unpayUsers } from './paying.ts';
import { MARKETS_TODAY, type MarketBounds, type MarketRules, marketBounds, TWO } from './rules.ts';

export interface MarketBreak {
  readonly name: string;
  readonly rules: MarketRules;
  readonly bounds: MarketBounds;
}

/** Refused, it changes nothing, as with the rules of today. */
const ifSo = (outcome: string, told: Told, books: MarketBooks): Told => (told.outcome === outcome ? told : { ...told, books });

export const MARKET_BREAKS: readonly MarketBreak[] = [
  {
    name: 'an outcome can be overturned after paying began',
    rules: {
      ...MARKETS_TODAY,
      decide: (books, nth, order) => {
        const { state, round } = resolutionOf(books, nth);
        if (order.decision.kind !== 'overturn' || state !== 'PAYING') return decide(books, nth, order);
        const { to } = order.decision;
        return {
          outcome: 'done',
          books: setResolution(books, nth, { outcome: to, resolvedBy: order.adminId, round: round + 1 }),
        };
      },
    },
    bounds: marketBounds('overturned', { resolves: 1, judgements: 1 }, { outcomes: ['yes', 'no'] }),
  },
  {
    name: 'a resolution that was rolled back is rolled back once more',
    rules: {
      ...MARKETS_TODAY,
      decide: (books, nth, order) =>
        order.decision.kind === 'rollback' && resolutionOf(books, nth).state === 'ROLLED_BACK'
          ? ifSo('done', decide(setResolution(books, nth, { state: 'COMPLETED', feesBooked: true }), nth, order), books)
          : decide(books, nth, order),
    },
    bounds: marketBounds('twice', { resolves: 1, rollbacks: 2 }),
  },
  {
    name: 'a market is resolved again before its rollback is done',
    rules: {
      ...MARKETS_TODAY,
      open: (books, opening) =>
        books.resolutions.at(-1)?.state === 'ROLLING_BACK'
          ? ifSo('opened', openResolution({ ...books, state: 'UNRESOLVED' }, opening), books)
          : openResolution(books, opening),
    },
    bounds: marketBounds('too early', { resolves: 2, rollbacks: 1 }),
  },
  {
    name: 'two admins at once both resolve it',
    rules: {
      ...MARKETS_TODAY,
      open: (books, opening) => ifSo('opened', openResolution({ ...books, state: 'OPEN' }, opening), books),
    },
    bounds: marketBounds('both', { resolves: 2 }),
  },
  {
    name: 'who is paid is paid again by the next step that names the user',
    rules: {
      ...MARKETS_TODAY,
      pay: (books, nth, ids) => {
        const { distributions } = resolutionOf(books, nth);
        const again = Object.entries(distributions).map(([id, row]) => [id, ids.includes(id) ? { ...row, state: 'failed' as const } : row] as const); // biome-ignore format: one glance
        return payUsers(setResolution(books, nth, { distributions: Object.fromEntries(again) }), nth, ids);
      },
    },
    bounds: marketBounds('again', { resolves: 1, deaths: 1 }),
  },
  {
    name: 'a rollback leaves the fees where they are',
    rules: {
      ...MARKETS_TODAY,
      endRollback: (books, nth) => {
        const told = endRollback({ ...books, pool: books.pool + (resolutionOf(books, nth).plan?.feeTotal ?? 0n) }, nth);
        return told.outcome === 'rolled_back' ? { outcome: 'rolled_back', books: move(books, nth, 'rolled_back') } : told;
      },
    },
    bounds: marketBounds('fees', { resolves: 1, rollbacks: 1 }),
  },
  {
    name: 'what a winner has spent is put into the pool though nobody covers it',
    rules: {
      ...MARKETS_TODAY,
      unpay: (books, nth, ids) => {
        const told = unpayUsers(books, nth, ids);
        const printed = told.books.missing - books.missing;
        return { ...told, books: { ...told.books, pool: told.books.pool + printed, missing: books.missing } };
      },
    },
    bounds: marketBounds('printed', { resolves: 1, rollbacks: 1, spends: 1, withdrawals: 1 }),
  },
  {
    name: 'a resolution is planned though its pool is not whole',
    rules: {
      ...MARKETS_TODAY,
      cover: (books, nth) => (resolutionOf(books, nth).state === 'PLANNING' ? { outcome: 'whole', books } : cover(books, nth)),
    },
    bounds: marketBounds('not whole', { resolves: 2, rollbacks: 1, spends: 1 }, TWO),
  },
  {
    name: 'a market ends though somebody could not be paid',
    rules: {
      ...MARKETS_TODAY,
      endPaying: (books, nth) => {
        const told = endPaying(books, nth);
        return told.outcome === 'stopped' ? { outcome: 'completed', books: move(books, nth, 'completed') } : told;
      },
    },
    bounds: marketBounds('unpaid', { resolves: 1, freezes: 1 }),
  },
  {
    name: 'what cannot be planned is tried for ever, and nobody is told',
    rules: {
      ...MARKETS_TODAY,
      stop: (books, nth) => (resolutionOf(books, nth).state === 'PLANNING' ? { outcome: 'elsewhere', books } : stop(books, nth)),
    },
    bounds: marketBounds('refused', { resolves: 1, faults: 1 }),
  },
  {
    name: 'one stops, and no operator is told',
    rules: {
      ...MARKETS_TODAY,
      stop: (books, nth) => {
        const told = stop(books, nth);
        return {
          ...told,
          books: told.outcome === 'stopped' ? setResolution(told.books, nth, { needsOperator: false }) : told.books,
        };
      },
    },
    bounds: marketBounds('untold of', { resolves: 1, faults: 1 }),
  },
  {
    name: 'nobody looks for resolutions whose workflow was never told',
    rules: { ...MARKETS_TODAY, looksAfter: false },
    bounds: marketBounds('untold', { resolves: 1, deaths: 1 }),
  },
];
