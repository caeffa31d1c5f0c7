/** The ledger as activities: a function call or two each, safe to repeat by their keys, quick enough to run locally. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import type { Pool } from 'pg';
import { type Failpoint, failpoint } from '../../src/failpoints.ts';
import type { Ledger, ReserveAnswer, ReserveRequest } from '../../src/ledger/ledger.ts';
import { LEDGER_REFUSED } from '../../src/payouts/rules/contract.ts';
import { FACTS } from '../../src/payouts/rules/machine.ts';
import { type Said, type StepDoor, said, saidIn } from '../../src/payouts/rules/standing.ts';
import { reserveAssessed } from '../../src/risk/assessed.ts';
import { askedDoor } from './authority.ts';

interface Places {
  readonly before?: Failpoint;
  readonly after?: Failpoint;
}

const DECIDED: Places = { before: 'decide.before', after: 'decide.after' };

/** The facts that move money, let it go or let it through, where a kill must do no harm. */
const FACT_FAILPOINTS: ReadonlyMap<string, Places> = new Map(
  Object.entries({
    approved: DECIDED,
    rejected: DECIDED,
    held: DECIDED,
    hold_lifted: DECIDED,
    cancelled: DECIDED,
    resolved_paid: DECIDED,
    resolved_not_paid: DECIDED,
    hurried: DECIDED,
    given_up: DECIDED,
    routed: DECIDED,
    dispatched: { before: 'dispatch.before', after: 'dispatch.after' },
    paid: { before: 'settle.before', after: 'settle.after' },
    failed: { before: 'release.before', after: 'release.after' },
    returned: { before: 'return.before' },
  } satisfies Record<string, Places>),
);

/**
 * Classes of SQLSTATE that say of the call, not of the database: what it asks for can never be written (PostgreSQL, appendix
 * A). Not 42, which a roll-out that is half done mends, nor 40, 53, 57 and 08, which pass.
 */
const RAISED = 'P0001';
const FOR_GOOD = ['21', '22', '23', '2F', '44', '54', 'P0'];
/** Two that raced may break a constraint that neither breaks alone; a third time it is no race. */
const TRIES = 3;
const BETWEEN_TRIES_MS = 50;

/** @throws LEDGER_REFUSED, never to be retried, where the ledger can never do it: its payout waits for an operator then. */
async function unlessForGood<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === undefined || !FOR_GOOD.includes(state.slice(0, 2))) throw error;
      if (tries < TRIES) await sleep(BETWEEN_TRIES_MS);
      else {
        throw ApplicationFailure.create({ type: LEDGER_REFUSED, message: reasonOf(state, error), nonRetryable: true });
      }
    }
  }
}

/** The words only where they are our own: PostgreSQL's quote what it was given. */
const reasonOf = (state: string, error: unknown): string =>
  state === RAISED && error instanceof Error ? `SQLSTATE ${state}: ${error.message}` : `SQLSTATE ${state}`;

function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The ledger's one door, with the places where a kill must do no harm. */
export function factDoor(ledger: Ledger): Ledger['applyFact'] {
  return async (payoutId, key, fact, actor) => {
    const places = FACT_FAILPOINTS.get(fact.type);
    if (places?.before) await failpoint(places.before, payoutId);
    const answer = await unlessForGood(() => ledger.applyFact(payoutId, key, fact, actor));
    if (places?.after) await failpoint(places.after, payoutId);
    return answer;
  };
}

const stepDoor =
  (applyFact: Ledger['applyFact']): StepDoor =>
  async (...step) =>
    saidIn(await applyFact(...step));

/** By a name that comes out of a history. */
const ORIGINS: ReadonlyMap<string, string> = new Map(Object.entries(FACTS));

/**
 * What people decide comes by `applyAsked`, which asks who may. But for another round, whose opening the client has signed:
 * a stranger's workflow may have copied what an honest one asked for, and schedule this activity with it.
 */
function unlessAPersons(applyFact: StepDoor): StepDoor {
  return async (payoutId, key, fact, actor) => {
    const origin = ORIGINS.get(fact.type);
    if (origin === undefined || (origin === 'person' && fact.type !== 'reinitiated'))
      throw ApplicationFailure.nonRetryable(`${fact.type} is nothing that a workflow may say by itself`);
    return await applyFact(payoutId, key, fact, actor);
  };
}

export type LedgerActivities = ReturnType<typeof createLedgerActivities>;

/** `payout`: as it was taken in, now or before. */
export type Reserved =
  | { readonly outcome: 'reserved' | 'already'; readonly payout: Said }
  | Exclude<ReserveAnswer, { readonly payout: unknown }>;

export function createLedgerActivities({ ledger, pool }: { ledger: Ledger; pool: Pool }) {
  const applyFact = stepDoor(factDoor(ledger));
  return {
    async reserve(request: ReserveRequest): Promise<Reserved> {
      const answer = await unlessForGood(() => reserveAssessed(ledger, request));
      await failpoint('reserve.after', request.payoutId);
      return 'payout' in answer ? saidIn(answer) : answer;
    },

    applyFact: unlessAPersons(applyFact),

    applyAsked: askedDoor({ ledger, pool }, applyFact),

    async readPayout(payoutId: string): Promise<Said> {
      const payout = await ledger.read(payoutId);
      if (!payout) throw new Error(`no payout ${payoutId}`);
      return said(payout);
    },
  };
}
