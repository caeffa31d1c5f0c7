/**
 * What must be true of the books at every committed moment, whatever runs: each invariant is one SQL query that must
 * return no row. Tests, `oncepay check` and GET /api/admin/invariants read the same list. Each query aggregates the
 * entries once instead of asking per row, so that ten million of them are checked within a minute.
 */
import type { Pool } from 'pg';
import { FACT_IGNORED, type PayoutState, STATES } from '../domain/payout/machine.ts';
import { providerInvariants } from './providerInvariants.ts';

export interface Invariant {
  readonly name: string;
  readonly description: string;
  /** Every row it returns is a violation, and says which. */
  readonly sql: string;
}

export interface InvariantResult extends Omit<Invariant, 'sql'> {
  readonly violations: number;
  readonly durationMs: number;
  /** The first few violations, for whoever must repair them. */
  readonly sample: readonly unknown[];
}

type StateRow = (typeof STATES)[PayoutState];
const statesWhere = (holds: (row: StateRow) => boolean): string =>
  `(${(Object.keys(STATES) as PayoutState[]).filter((state) => holds(STATES[state])).map((state) => `'${state}'`).join(', ')})`; // biome-ignore format: one list

const HOLDING = statesWhere((state) => state.money === 'reserved');
const IN_FLIGHT = statesWhere((state) => state.inFlight);
const FINAL = statesWhere((state) => state.final);

/** What each payout's entries add up to, by what they did. Keys and legs are checked by `entries_do_what_their_type_says`. */
const PER_PAYOUT = `
  SELECT payout_id,
         count(*) FILTER (WHERE type = 'RESERVE') AS reserves,
         coalesce(sum(amount) FILTER (WHERE type = 'RESERVE'), 0) AS reserved,
         count(*) FILTER (WHERE type = 'RELEASE') AS releases,
         coalesce(sum(amount) FILTER (WHERE type = 'RELEASE'), 0) AS released,
         coalesce(sum(amount) FILTER (WHERE type IN ('SETTLE', 'FEE', 'DEBT')), 0) AS settled,
         coalesce(sum(amount) FILTER (WHERE type = 'FEE' OR type = 'DEBT' AND leg = 3), 0) AS fee_settled,
         coalesce(sum(amount) FILTER (WHERE type = 'REVERSE'), 0) AS reversed,
         count(*) FILTER (WHERE type = 'PSP_FEE') AS psp_fees
    FROM ledger_entries WHERE payout_id IS NOT NULL GROUP BY payout_id`;

const NETS = `
  SELECT account, sum(amount) AS net
    FROM (SELECT credit_account AS account, amount FROM ledger_entries UNION ALL SELECT debit_account, -amount FROM ledger_entries) sides
   GROUP BY account`;

export const INVARIANTS: readonly Invariant[] = [
  {
    name: 'balances_equal_entries',
    description:
      'Every balance equals the net of its entries, available and reserved, and its version counts them; neither is negative.',
    sql: `
      WITH nets AS (${NETS}), touched AS (SELECT balance_id, count(*) AS n FROM ledger_entries GROUP BY balance_id)
      SELECT b.id AS balance, b.available, a.net AS available_entries, b.reserved, r.net AS reserved_entries, b.version, t.n AS entries
        FROM balances b
        LEFT JOIN nets a ON a.account = b.available_account
        LEFT JOIN nets r ON r.account = b.reserved_account
        LEFT JOIN touched t ON t.balance_id = b.id
       WHERE b.available <> coalesce(a.net, 0) OR b.reserved <> coalesce(r.net, 0) OR b.version <> coalesce(t.n, 0)
          OR b.available < 0 OR b.reserved < 0`,
  },
  {
    name: 'reserved_equals_open_payouts',
    description: 'What a merchant has reserved, per mode and currency, is the amount and fee of its payouts that hold money.',
    sql: `
      WITH held AS (SELECT balance_id, sum(amount + fee) AS held FROM payouts WHERE state IN ${HOLDING} GROUP BY balance_id)
      SELECT coalesce(b.id, h.balance_id) AS balance, b.merchant_id, b.mode, b.currency, b.reserved, h.held
        FROM balances b FULL JOIN held h ON h.balance_id = b.id
       WHERE coalesce(b.reserved, 0) <> coalesce(h.held, 0) OR b.id IS NULL`,
  },
  {
    name: 'accounts_net_to_zero',
    description: 'Per mode and currency all accounts together are zero, and no account stands on the side where it cannot be.',
    sql: `
      WITH nets AS (SELECT a.id, a.mode, a.currency, a.purpose, n.net FROM accounts a JOIN (${NETS}) n ON n.account = a.id)
      SELECT mode, currency, 'all' AS account, sum(net) AS net FROM nets GROUP BY mode, currency HAVING sum(net) <> 0
      UNION ALL
      SELECT mode, currency, purpose || ' ' || id, net FROM nets
       WHERE purpose IN ('funding', 'debt', 'psp_fees') AND net > 0 OR purpose NOT IN ('funding', 'debt', 'psp_fees') AND net < 0`,
  },
  {
    name: 'entries_within_one_currency_and_mode',
    description: 'No entry names an account that does not exist, or accounts of two currencies, modes or merchants.',
    sql: `
      SELECT e.id AS entry, e.op_key, e.currency, d.currency AS debit_currency, c.currency AS credit_currency, d.mode AS debit_mode, c.mode AS credit_mode
        FROM ledger_entries e
        LEFT JOIN accounts d ON d.id = e.debit_account
        LEFT JOIN accounts c ON c.id = e.credit_account
        LEFT JOIN balances b ON b.id = e.balance_id
       WHERE d.id IS NULL OR c.id IS NULL OR b.id IS NULL
          OR d.currency <> e.currency OR c.currency <> e.currency OR b.currency <> e.currency
          OR d.mode <> b.mode OR c.mode <> b.mode
          OR d.merchant_id NOT IN ('', b.merchant_id) OR c.merchant_id NOT IN ('', b.merchant_id)
          OR d.purpose = 'available' AND d.id <> b.available_account OR c.purpose = 'available' AND c.id <> b.available_account
          OR d.purpose = 'reserved' AND d.id <> b.reserved_account OR c.purpose = 'reserved' AND c.id <> b.reserved_account`,
  },
  {
    name: 'entries_do_what_their_type_says',
    description: 'Every entry moves money between the accounts its type is for, under the key of its step.',
    sql: `
      WITH kinds (type, debit, credit, step) AS (VALUES
        ('FUND', 'funding', 'available', ''), ('RESERVE', 'available', 'reserved', ':reserve:'), ('RELEASE', 'reserved', 'available', ':release:'),
        ('SETTLE', 'reserved', 'clearing', ':settle'), ('SETTLE', 'available', 'clearing', ':settle'),
        ('FEE', 'reserved', 'fees', ':settle'), ('FEE', 'available', 'fees', ':settle'),
        ('DEBT', 'debt', 'clearing', ':settle'), ('DEBT', 'debt', 'fees', ':settle'),
        ('REVERSE', 'clearing', 'available', ':reverse'), ('REVERSE', 'clearing', 'debt', ':reverse'),
        ('PSP_FEE', 'psp_fees', 'clearing', ':psp_fee'),
        ('EARNING', 'available', 'transit', ''), ('EARNING', 'transit', 'available', ''))
      SELECT e.id AS entry, e.op_key, e.leg, e.type, d.purpose AS debit, c.purpose AS credit
        FROM ledger_entries e
        LEFT JOIN accounts d ON d.id = e.debit_account
        LEFT JOIN accounts c ON c.id = e.credit_account
        LEFT JOIN kinds k ON k.type = e.type AND k.debit = d.purpose AND k.credit = c.purpose
       WHERE k.type IS NULL
          OR e.type = 'FUND' AND (e.payout_id IS NOT NULL OR NOT starts_with(e.op_key, 'fund:'))
          OR e.type = 'EARNING' AND (e.payout_id IS NOT NULL OR NOT starts_with(e.op_key, 'earning:') OR (e.leg = 0) <> (c.purpose = 'transit'))
          OR e.type NOT IN ('FUND', 'EARNING') AND (e.payout_id IS NULL OR NOT starts_with(e.op_key, e.payout_id || k.step))
          OR e.type = 'DEBT' AND (e.leg = 3) <> (c.purpose = 'fees')
          OR k.step IN (':settle', ':reverse', ':psp_fee') AND e.op_key <> e.payout_id || k.step`,
  },
  {
    name: 'history_adds_up',
    description: 'Every entry says what its balance was right after: the one before plus what it moved.',
    sql: `
      WITH history AS (
        SELECT e.id, e.balance_id, e.debit_account, e.credit_account, e.amount, e.available_after, e.reserved_after,
               lag(e.available_after, 1, 0::bigint) OVER w AS available_before, lag(e.reserved_after, 1, 0::bigint) OVER w AS reserved_before
          FROM ledger_entries e WINDOW w AS (PARTITION BY e.balance_id ORDER BY e.id))
      SELECT h.id AS entry, h.balance_id AS balance, h.available_before, h.available_after, h.reserved_before, h.reserved_after
        FROM history h JOIN balances b ON b.id = h.balance_id
       WHERE h.available_after <> h.available_before + CASE b.available_account WHEN h.credit_account THEN h.amount WHEN h.debit_account THEN -h.amount ELSE 0 END
          OR h.reserved_after <> h.reserved_before + CASE b.reserved_account WHEN h.credit_account THEN h.amount WHEN h.debit_account THEN -h.amount ELSE 0 END`,
  },
  {
    name: 'payouts_booked_as_their_state_says',
    description:
      'A payout is reserved once a round; paid if and only if settled once, whole; failed, rejected or cancelled if and only if released and not settled; returned if and only if its amount was reversed. A PSP has a fee only for what it paid.',
    sql: `
      WITH e AS (${PER_PAYOUT})
      SELECT coalesce(p.id, e.payout_id) AS payout, p.state, p.round, p.amount, p.fee, e.reserves, e.releases, e.settled, e.reversed
        FROM payouts p FULL JOIN e ON e.payout_id = p.id
       WHERE p.id IS NULL OR e.payout_id IS NULL
          OR e.reserves <> p.round OR e.reserved <> p.round * (p.amount + p.fee)
          OR e.released <> e.releases * (p.amount + p.fee)
          OR e.psp_fees > 0 AND e.settled = 0
          OR CASE WHEN p.state IN ${HOLDING} THEN e.releases <> p.round - 1 OR e.settled > 0 OR e.reversed > 0
                  WHEN p.state IN ('FAILED', 'REJECTED', 'CANCELLED') THEN e.releases <> p.round OR e.settled > 0 OR e.reversed > 0
                  ELSE e.releases NOT IN (p.round - 1, p.round) OR e.settled <> p.amount + p.fee OR e.fee_settled <> p.fee
                    OR e.reversed <> CASE p.state WHEN 'RETURNED' THEN p.amount ELSE 0 END END`,
  },
  {
    name: 'payouts_paid_by_one_attempt',
    description: 'No payout was paid by two attempts; one that was paid has exactly one, one that is released has none.',
    sql: `
      SELECT p.id AS payout, p.state, a.paid AS attempts_paid
        FROM payouts p LEFT JOIN (SELECT payout_id, count(*) AS paid FROM payout_attempts WHERE state = 'succeeded' GROUP BY payout_id) a ON a.payout_id = p.id
       WHERE a.paid > 1
          OR p.state IN ('SUCCEEDED', 'RETURNED') AND a.paid IS NULL
          -- in flight, an earlier attempt may turn out to be paid; anywhere else that would have settled the payout
          OR p.state NOT IN ('SUCCEEDED', 'RETURNED') AND p.state NOT IN ${IN_FLIGHT} AND a.paid IS NOT NULL`,
  },
  {
    name: 'attempts_one_after_the_other',
    description:
      'Attempts are numbered from 1 without a gap; only the newest may be open, it is while in flight, and none is once the payout has ended.',
    sql: `
      WITH a AS (
        SELECT payout_id, count(*) AS n, max(attempt) AS newest, min(attempt) FILTER (WHERE state = 'open') AS open,
               bool_or(psp_key <> payout_id || ':' || attempt) AS wrong_key
          FROM payout_attempts GROUP BY payout_id)
      SELECT p.id AS payout, p.state, p.attempt, a.n AS attempts, a.newest, a.open
        FROM payouts p LEFT JOIN a ON a.payout_id = p.id
       WHERE p.attempt <> coalesce(a.n, 0) OR p.attempt <> coalesce(a.newest, 0) OR a.open < a.newest OR a.wrong_key
          OR p.state IN ${IN_FLIGHT} AND a.open IS NULL
          OR p.state IN ${FINAL} AND a.open IS NOT NULL`,
  },
  {
    name: 'events_without_a_gap',
    description: 'The events of a payout count from 1 to its sequence.',
    sql: `
      WITH e AS (SELECT payout_id, count(*) AS n, min(sequence) AS first, max(sequence) AS last FROM events GROUP BY payout_id)
      SELECT coalesce(p.id, e.payout_id) AS payout, p.sequence, e.n AS events, e.first, e.last
        FROM payouts p FULL JOIN e ON e.payout_id = p.id
       WHERE p.id IS NULL OR e.payout_id IS NULL OR e.first <> 1 OR e.n <> p.sequence OR e.last <> p.sequence`,
  },
  {
    name: 'events_follow_legal_edges',
    description:
      "Every event continues from the state before it by a legal edge, an ignored fact changes nothing, and the last one led to the payout's state.",
    sql: `
      WITH history AS (
        SELECT payout_id, sequence, type, from_state, to_state, lag(to_state) OVER w AS before, lead(sequence) OVER w AS next
          FROM events WINDOW w AS (PARTITION BY payout_id ORDER BY sequence)),
      edges AS (SELECT DISTINCT from_state, to_state, event_type FROM payout_edges)
      SELECT h.payout_id AS payout, h.sequence, h.type, h.before, h.from_state, h.to_state, p.state AS state_now
        FROM history h
        LEFT JOIN edges x ON x.from_state = h.from_state AND x.to_state = h.to_state AND x.event_type = h.type
        LEFT JOIN payouts p ON p.id = h.payout_id AND h.next IS NULL
       WHERE h.next IS NULL AND p.state IS DISTINCT FROM h.to_state
          OR NOT CASE h.type
               WHEN 'payout.created' THEN h.sequence = 1 AND h.from_state IS NULL AND h.to_state IN ('QUEUED', 'IN_REVIEW')
               WHEN 'payout.in_review' THEN h.sequence = 2 AND h.from_state IS NULL AND h.before = 'IN_REVIEW' AND h.to_state = 'IN_REVIEW'
               WHEN '${FACT_IGNORED}' THEN h.from_state IS NOT DISTINCT FROM h.before AND h.to_state = h.before
               ELSE x.event_type IS NOT NULL AND h.from_state IS NOT DISTINCT FROM h.before END`,
  },
  {
    name: 'approved_by_another',
    description:
      'Nobody decided on a payout of their own; every approval is in the timeline, and no reviewed payout was sent without one.',
    sql: `
      WITH approved AS (SELECT payout_id, count(*) AS n FROM approvals WHERE decision = 'approved' GROUP BY payout_id),
      told AS (SELECT payout_id, count(*) AS n FROM events WHERE type = 'payout.approved' GROUP BY payout_id)
      SELECT p.id AS payout, p.state, 'maker is checker' AS problem FROM payouts p JOIN approvals a ON a.payout_id = p.id AND a.admin_id = p.maker_id
      UNION ALL
      SELECT coalesce(a.payout_id, t.payout_id), NULL, 'approvals and timeline differ'
        FROM approved a FULL JOIN told t ON t.payout_id = a.payout_id WHERE coalesce(a.n, 0) <> coalesce(t.n, 0)
      UNION ALL
      SELECT p.id, p.state, 'sent without an approval' FROM payouts p LEFT JOIN approved a ON a.payout_id = p.id
       WHERE p.review IS NOT NULL AND a.payout_id IS NULL AND (p.attempt > 0 OR p.state IN ${IN_FLIGHT})`,
  },
  {
    name: 'deliveries_belong_to_their_event',
    description:
      "Every webhook delivery is of an event of its payout, and goes to the payout's own address or an endpoint of the same merchant and mode.",
    sql: `
      SELECT d.id AS delivery, d.event_id, d.payout_id, d.endpoint_id
        FROM webhook_deliveries d
        LEFT JOIN events e ON e.id = d.event_id
        LEFT JOIN payouts p ON p.id = d.payout_id
        LEFT JOIN webhook_endpoints w ON w.id = d.endpoint_id
       WHERE e.id IS NULL OR p.id IS NULL OR e.payout_id <> d.payout_id OR e.type = '${FACT_IGNORED}'
          OR d.endpoint_id IS NULL AND p.callback_url IS DISTINCT FROM d.url
          OR d.endpoint_id IS NOT NULL AND (w.id IS NULL OR w.merchant_id <> e.merchant_id OR w.mode <> e.mode)`,
  },
  {
    name: 'tenants_apart',
    description: "Every entry and event of a payout is its own merchant's, in its mode and currency, and so is its balance.",
    sql: `
      SELECT p.id AS payout, 'balance' AS what, b.merchant_id || ' ' || b.mode AS whose
        FROM payouts p LEFT JOIN balances b ON b.id = p.balance_id
       WHERE b.id IS NULL OR b.merchant_id <> p.merchant_id OR b.mode <> p.mode OR b.currency <> p.currency
      UNION ALL
      SELECT p.id, 'entry', e.id::text FROM ledger_entries e JOIN payouts p ON p.id = e.payout_id WHERE e.balance_id <> p.balance_id
      UNION ALL
      SELECT p.id, 'event', e.id FROM events e JOIN payouts p ON p.id = e.payout_id
       WHERE e.merchant_id <> p.merchant_id OR e.mode <> p.mode
      UNION ALL
      SELECT b.merchant_id, 'account', a.id::text FROM balances b JOIN accounts a ON a.id IN (b.available_account, b.reserved_account)
       WHERE a.merchant_id <> b.merchant_id OR a.mode <> b.mode OR a.currency <> b.currency`,
  },
  {
    name: 'refused_without_a_trace',
    description: 'A payout that was refused never turned into one: no row, no entry, no event under its id.',
    sql: `
      SELECT r.payout_id AS payout, r.code FROM payout_refusals r
       WHERE EXISTS (SELECT 1 FROM payouts p WHERE p.id = r.payout_id)
          OR EXISTS (SELECT 1 FROM ledger_entries e WHERE e.payout_id = r.payout_id)
          OR EXISTS (SELECT 1 FROM events e WHERE e.payout_id = r.payout_id)`,
  },
  ...providerInvariants(HOLDING),
];

/** Measured on two cores: 10 s for a million entries and as many events, so minutes for the largest books we think of. */
const STATEMENT_TIMEOUT_MS = 300_000;
const SAMPLE = 5;
const SNAPSHOT = `
  BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS};
  SET LOCAL work_mem = '256MB'; -- hash tables of a few million payouts; the default of 4 MB would go to disk many times over
  SET LOCAL parallel_tuple_cost = 0.001; -- all rows are read and few are returned: several cores pay off`;

/**
 * Runs every invariant, all on one snapshot, and says how many rows break each. Reads only: the application's role may.
 * @throws only if the database cannot be asked; a broken invariant is a result.
 */
export async function checkInvariants(pool: Pool, invariants = INVARIANTS): Promise<InvariantResult[]> {
  const client = await pool.connect();
  try {
    await client.query(SNAPSHOT);
    const results: InvariantResult[] = [];
    for (const { name, description, sql } of invariants) {
      const started = performance.now();
      const text = `SELECT count(*)::int AS violations, coalesce(jsonb_agg(to_jsonb(v) - 'nth') FILTER (WHERE nth <= ${SAMPLE}), '[]') AS sample
        FROM (SELECT *, row_number() OVER () AS nth FROM (${sql}) found) v`;
      // query_timeout is pg's own clock for one call; the pool's is for the short calls of a payout.
      const query = { text, query_timeout: STATEMENT_TIMEOUT_MS };
      const { rows } = await client.query<{ violations: number; sample: unknown[] }>(query);
      const row = rows[0];
      if (!row) throw new Error(`invariant ${name} gave no answer`);
      results.push({ name, description, ...row, durationMs: Math.round(performance.now() - started) });
    }
    return results;
  } finally {
    // Without an answer to the ROLLBACK the connection is not fit for others.
    await client.query('ROLLBACK').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  }
}

/** As the admin API lists them: no rows of the books, no times. */
export function presentInvariants(results: readonly InvariantResult[]): (Omit<Invariant, 'sql'> & { violations: number })[] {
  return results.map(({ name, description, violations }) => ({ name, description, violations }));
}
