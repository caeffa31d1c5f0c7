import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type AttemptRow, newBooks, tell, unprovenOf } from '../../src/payouts/rules/books.ts';
import {
  EDGES,
  type Edge,
  EVENT_TYPES,
  edgeOf,
  FACTS,
  type FactType,
  isFinal,
  isRepeated,
  type PayoutState,
  PUBLIC_STATUS,
  STATES,
  TIMELINE_ONLY,
  WAITING_ON,
} from '../../src/payouts/rules/machine.ts';

const states = Object.keys(STATES).filter((each): each is PayoutState => each in STATES);
const facts = Object.keys(FACTS).filter((each): each is FactType => each in FACTS);
const edgesFrom = (state: PayoutState) => EDGES.filter((edge) => edge.from === state);
/** These are concluded, never said. */
const said = facts.filter((each) => each !== 'contradicted' && each !== 'paused');
const STARTS = ['IN_REVIEW', 'QUEUED'] as const;

interface Walk {
  readonly start: PayoutState;
  /** The edges taken, in order: facts that changed nothing are left out. */
  readonly taken: readonly Edge[];
  readonly end: PayoutState;
}

/** Tells the facts to the rules one after the other, as the ledger is told them; without a number, of the newest attempt. */
function walk(start: PayoutState, told: readonly { type: FactType; attempt?: number }[]): Walk {
  let now = newBooks({ state: start });
  const taken: Edge[] = [];
  for (const { type, attempt } of told) {
    const newest = now.attempts.length;
    const fresh = type === 'attempt_started' && now.attempts[newest - 1]?.state !== 'open' ? newest + 1 : newest;
    const { books, edge } = tell(now, { type, attempt: attempt ?? fresh, named: true });
    if (edge && edge.effect !== 'note') taken.push(edge);
    now = books;
  }
  return { start, taken, end: now.state };
}

const anyFact = fc.record({ type: fc.constantFrom(...said), attempt: fc.integer({ min: 0, max: 4 }) });
/** Facts in any order, any number of times; half of the time about the newest attempt, so that walks get far. */
const anyFacts = fc.array(fc.oneof(anyFact, fc.record({ type: fc.constantFrom(...said) })), { maxLength: 60, size: 'max' });
const anyStart = fc.constantFrom(...STARTS);

/** Walks that take an edge at every step: they reach what random facts seldom do. */
const legalWalk = fc.tuple(anyStart, fc.array(fc.nat(), { minLength: 1, maxLength: 40, size: 'max' })).map(([start, choices]) => {
  let state: PayoutState = start;
  const told: { type: FactType }[] = [];
  for (const choice of choices) {
    const open = edgesFrom(state);
    const edge = open[choice % Math.max(open.length, 1)];
    if (!edge) break;
    told.push({ type: edge.fact });
    state = edge.to;
  }
  return { start, told };
});

const RUNS = { numRuns: 1000 };

const anyWalk = fc.oneof(
  fc.tuple(anyStart, anyFacts).map(([start, told]) => walk(start, told)),
  legalWalk.map(({ start, told }) => walk(start, told)),
  // a legal life with others' facts thrown in: late, twice, about other attempts
  fc.tuple(legalWalk, anyFacts).map(([{ start, told }, others]) =>
    walk(
      start,
      told.flatMap((fact, at) => [fact, ...others.slice(at, at + 1), fact]),
    ),
  ),
);

describe('whatever facts come, in whatever order, however often', () => {
  test('a payout is always in a state that a merchant can be shown, and each change is a legal one', () => {
    fc.assert(
      fc.property(anyWalk, ({ start, taken, end }) => {
        expect(states).toContain(end);
        expect(PUBLIC_STATUS[end]).toBeDefined();
        const path = [start, ...taken.map((edge) => edge.to)];
        expect(taken.map((edge) => edge.from)).toEqual(path.slice(0, -1));
      }),
      RUNS,
    );
  });

  test('a payout is paid once, and again only after it came back', () => {
    fc.assert(
      fc.property(anyWalk, ({ taken }) => {
        let paid = 0;
        for (const { effect } of taken) {
          paid += effect === 'settle' || effect === 'settle_late' ? 1 : effect === 'reverse' ? -1 : 0;
          expect([0, 1]).toContain(paid);
        }
      }),
      RUNS,
    );
  });

  test('the money reserved for a payout is reserved once, and gone when the payout is over: none is lost, none is made', () => {
    fc.assert(
      fc.property(anyWalk, ({ taken }) => {
        let held: { reserved: number; paid: number } = { reserved: 1, paid: 0 }; // accepted: reserved before the first fact
        for (const edge of taken) {
          held = afterEffect(held, edge);
          expect(held).toEqual(
            { none: { reserved: 0, paid: 0 }, reserved: { reserved: 1, paid: 0 }, paid: { reserved: 0, paid: 1 } }[
              STATES[edge.to].money
            ],
          );
        }
      }),
      RUNS,
    );
  });

  test('a final state is left only by a payment, a return or a reinitiation', () => {
    fc.assert(
      fc.property(anyWalk, ({ taken }) => {
        for (const edge of taken.filter(({ from }) => isFinal(from))) {
          expect([
            'FAILED reinitiated',
            'FAILED paid',
            'REJECTED paid',
            'CANCELLED paid',
            'SUCCEEDED returned',
            'RETURNED paid',
          ]).toContain(`${edge.from} ${edge.fact}`);
        }
      }),
      RUNS,
    );
  });

  test('money that may be on the wire is released only on proof that it was not paid', () => {
    fc.assert(
      fc.property(anyWalk, ({ taken }) => {
        let inFlight = false;
        for (const edge of taken) {
          if (edge.effect === 'release' && inFlight) expect(['failed', 'resolved_not_paid']).toContain(edge.fact);
          inFlight = STATES[edge.to].inFlight;
        }
      }),
      RUNS,
    );
  });

  test('a fact told again at once changes nothing more: a PSP may call back twice', () => {
    fc.assert(
      fc.property(legalWalk, ({ start, told }) => {
        const psp = ({ type }: { type: FactType }) => FACTS[type] === 'psp';
        const once = walk(start, told);
        const twice = walk(
          start,
          told.flatMap((fact) => (psp(fact) ? [fact, fact] : [fact])),
        );
        expect(twice).toEqual(once);
      }),
      RUNS,
    );
  });
});

function afterEffect(held: { reserved: number; paid: number }, { effect }: Edge): { reserved: number; paid: number } {
  switch (effect) {
    case 'none':
    case 'note':
    case 'attempt':
      return held;
    case 'settle':
      return { reserved: held.reserved - 1, paid: held.paid + 1 };
    case 'settle_late': // taken from what was released
      return { reserved: held.reserved, paid: held.paid + 1 };
    case 'release':
      return { reserved: held.reserved - 1, paid: held.paid };
    case 'reverse':
      return { reserved: held.reserved, paid: held.paid - 1 };
    case 'reserve':
      return { reserved: held.reserved + 1, paid: held.paid };
  }
}

describe('the table', () => {
  test('says one thing for a state and a fact: which of two edges is taken must not depend on their order', () => {
    const keys = EDGES.map(({ from, fact }) => `${from} ${fact}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const edge of EDGES) expect(edgeOf(edge.from, edge.fact)).toBe(edge);
  });

  test('has no edge that leads nowhere: a webhook would tell of a change that was none', () => {
    // A run's word is one, and an operator's in its place: a provider reads APPROVED before it, PROCESSING after it.
    for (const { from, fact, to, event } of EDGES) {
      expect([fact, from === to]).toEqual([
        fact,
        fact === 'dispatched' || `${from} ${fact}` === 'QUEUED hurried' || (TIMELINE_ONLY as readonly string[]).includes(event),
      ]);
    }
  });

  test('reaches every state, uses every fact, and tells a merchant of every kind of event', () => {
    const reached = new Set<PayoutState>(STARTS);
    for (const state of reached) for (const { to } of edgesFrom(state)) reached.add(to);
    expect([...reached].sort()).toEqual([...states].sort());
    expect(facts.filter((fact) => !EDGES.some((edge) => edge.fact === fact))).toEqual([]);
    const ofAcceptance = ['payout.created', 'payout.in_review'];
    expect(EVENT_TYPES.filter((type) => !EDGES.some(({ event }) => event === type))).toEqual(ofAcceptance);
  });

  test('lets every unfinished payout finish, or its money would stay reserved for ever', () => {
    for (const state of states.filter((each) => !isFinal(each))) {
      const reached = new Set<PayoutState>([state]);
      for (const each of reached) for (const { to } of edgesFrom(each)) reached.add(to);
      expect([state, [...reached].some(isFinal)]).toEqual([state, true]);
    }
  });

  test('gives a person or a clock a way out of every state in which a PSP has fallen silent', () => {
    const ways: FactType[] = ['outcome_unknown', 'outcome_overdue', 'resolved_paid', 'resolved_not_paid'];
    for (const state of states.filter((each) => STATES[each].inFlight)) {
      const reached = new Set<PayoutState>([state]);
      for (const each of reached) for (const { to } of edgesFrom(each).filter(({ fact }) => ways.includes(fact))) reached.add(to);
      expect([state, reached.has('SUCCEEDED'), reached.has('FAILED')]).toEqual([state, true, true]);
    }
  });

  test('never lets anyone cancel, reject or hold what may be on the wire', () => {
    for (const fact of ['cancelled', 'rejected', 'review_expired', 'held', 'reinitiated'] as const) {
      for (const { from } of EDGES.filter((edge) => edge.fact === fact))
        expect([fact, from, STATES[from].inFlight]).toEqual([fact, from, false]);
    }
  });

  test('sends nothing that nobody has approved: a review is left towards the queue by approval only', () => {
    for (const edge of EDGES.filter(
      ({ from, to }) => (from === 'IN_REVIEW' || from === 'REVIEW_ON_HOLD') && to !== 'IN_REVIEW' && to !== 'REVIEW_ON_HOLD',
    )) {
      expect([
        'QUEUED approved',
        'REJECTED rejected',
        'REJECTED review_expired',
        'CANCELLED cancelled',
        'SUCCEEDED paid',
      ]).toContain(`${edge.to} ${edge.fact}`);
    }
  });

  test('sends a request only with the money reserved and no other request on the wire, but for the same attempt again', () => {
    for (const { from } of EDGES.filter(({ effect }) => effect === 'attempt')) {
      expect(STATES[from].money).toBe('reserved');
      expect(from === 'UNKNOWN' || !STATES[from].inFlight).toBe(true);
    }
  });

  test('moves money as the states say it', () => {
    const expected: Record<string, string> = {
      'reserved reserved': 'none attempt note',
      'paid paid': 'note',
      'none none': 'note',
      'reserved paid': 'settle',
      'reserved none': 'release',
      'none paid': 'settle_late',
      'none reserved': 'reserve',
      'paid none': 'reverse',
    };
    for (const { from, to, effect } of EDGES) {
      expect(expected[`${STATES[from].money} ${STATES[to].money}`]?.split(' ')).toContain(effect);
    }
  });

  test('tells why a payout waits exactly where it does: a merchant would ask support otherwise', () => {
    const silent = ['QUEUED', 'SUBMITTING'];
    for (const state of states)
      expect([state, WAITING_ON[state] !== undefined]).toEqual([state, !isFinal(state) && !silent.includes(state)]);
    expect(WAITING_ON.UNKNOWN).toBe('psp_outcome');
  });
});

const row = { proof: null, named: true, unknownAt: null, toldAt: 1, isSent: true } as const;
const failed = { ...row, state: 'failed', proof: 'failed_transfer' } as const;
const open = { ...row, state: 'open' } as const;
const succeeded = { ...row, state: 'succeeded' } as const;

/** Where this fact about attempt 1 leads a payout in this state, with these attempts. */
function edgeFor(state: PayoutState, type: FactType, attempts: readonly AttemptRow[], attempt = 1) {
  return { to: tell(newBooks({ state, attempts }), { type, attempt, named: true }).books.state };
}

describe('a fact about another attempt than the newest', () => {
  test('does not end the newest: an old failure must not release the money of a new request', () => {
    for (const state of states) {
      for (const type of said.filter((each) => FACTS[each] === 'psp' && each !== 'paid' && each !== 'returned')) {
        const { to } = edgeFor(state, type, [failed, open]);
        expect([state, type, to]).toEqual([state, type, to === 'UNRESOLVED' ? to : state]); // shown alive: before a person
      }
    }
  });

  test('counts as paid while nothing else is in flight: the payee has the money', () => {
    for (const state of ['QUEUED', 'ON_HOLD', 'RETRY_WAIT', 'FAILED', 'REJECTED', 'CANCELLED'] as const) {
      expect(edgeFor(state, 'paid', [failed, failed])).toEqual({ to: 'SUCCEEDED' });
    }
  });

  test('does not hide that two attempts may both be paid', () => {
    for (const state of states.filter((each) => STATES[each].inFlight)) {
      expect(edgeFor(state, 'paid', [failed, open])).toEqual({ to: state });
    }
  });

  test('gives the money back when the attempt that was paid is returned, though a later one had been begun', () => {
    expect(edgeFor('SUCCEEDED', 'returned', [succeeded, failed])).toEqual({ to: 'RETURNED' });
  });

  test('that the books have forgotten: nothing is sent or released, and what was paid is settled once or before an operator', () => {
    for (const state of states) {
      const isInFlight = STATES[state].inFlight;
      for (const type of facts.filter((each) => FACTS[each] === 'psp')) {
        const before = newBooks({ state, attempts: isInFlight ? [open] : [failed] });
        const { books, outcome } = tell(before, { type, attempt: 3, named: true });
        if (['outcome_unknown', 'not_taken', 'attempt_failed', 'failed'].includes(type)) {
          expect([state, type, outcome, books]).toEqual([state, type, 'unchanged', before]);
          continue;
        }
        expect([state, type, books.needsOperator, books.sequence]).toEqual([state, type, true, before.sequence + 1]);
        expect(unprovenOf(books)).toEqual([...(isInFlight ? [1] : []), 2, ...(type === 'paid' ? [] : [3])]);
        for (const attempt of [1, 2, 3, 4]) expect(tell(books, { type: 'attempt_started', attempt }).outcome).toBe('wrong_state');
        expect(tell(books, { type: 'reinitiated' }).outcome).toBe('wrong_state');
        if (isInFlight) expect(books.state).toBe('UNRESOLVED');
        else if (type === 'paid') expect([state, books.state]).toEqual([state, 'SUCCEEDED']);
      }
    }
  });

  test('that no backup can have forgotten is only written down', () => {
    const { books } = tell(newBooks({ state: 'QUEUED' }), { type: 'paid', attempt: 999_999_999, named: true });
    expect(books).toMatchObject({ state: 'QUEUED', attempts: [], needsOperator: true, sequence: 2 });
  });
});

test('only a word that repeats how its own attempt ended is taken without looking: all else may move money', () => {
  const claims = ['paid', 'failed', 'returned', 'queued', 'held', 'processing', null];
  const attempts = ['open', 'succeeded', 'failed', 'returned', 'doubted', null];
  const repetitions = ['SUCCEEDED succeeded paid', 'FAILED failed failed', 'RETURNED returned returned'];
  for (const state of Object.keys(STATES) as PayoutState[]) {
    for (const attemptState of attempts) {
      for (const claim of claims) {
        const story = `${state} ${attemptState} ${claim}`;
        expect([story, isRepeated({ state, attemptState }, claim)]).toEqual([story, repetitions.includes(story)]);
      }
    }
  }
});
