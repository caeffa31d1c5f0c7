/** What must be true of markets at every committed moment: a part of the list in src/ledger/invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';
import { RESOLUTION } from './rules/machine.ts';

const OVER = `'${RESOLUTION.statesWhere(({ final }) => final).join(`', '`)}'`;

/** Of a distribution that is paid, and not taken back. */
const PAID_ROW = `state IN ('completed', 'disputed')`;

const invariants: readonly Invariant[] = [
  {
    name: 'pools_of_markets_add_up',
    description:
      'A pool has all stakes, less what was paid and not taken back, less the fees that are booked, less what is missing since a rollback: nothing is printed.',
    sql: `
      SELECT m.id AS market, b.id AS balance, b.available, m.staked, m.missing, d.paid, r.fees
        FROM markets m
        FULL JOIN (SELECT * FROM balances WHERE owner_kind = 'market') b ON b.id = m.pool_id AND b.owner_id = m.id
        LEFT JOIN (SELECT market_id, sum(payout) AS paid FROM distributions WHERE ${PAID_ROW} GROUP BY 1) d ON d.market_id = m.id
        LEFT JOIN (SELECT market_id, sum(fee_total) AS fees FROM resolutions WHERE fees_booked GROUP BY 1) r ON r.market_id = m.id
       WHERE b.id IS NULL OR m.id IS NULL OR b.available <> m.staked - m.missing - coalesce(d.paid, 0) - coalesce(r.fees, 0)`,
  },
  {
    name: 'stakes_of_markets_add_up',
    description:
      'The totals of each market, option, participant and position are those of the commitments, each of which was booked once from its user into the pool.',
    queries: [
      {
        sql: `
          SELECT m.id AS market, m.staked, m.commitments, m.participants, c.*
            FROM markets m
            FULL JOIN (SELECT market_id, sum(amount) AS amount, count(*) AS stakes, count(DISTINCT user_id) AS users FROM commitments GROUP BY 1) c ON c.market_id = m.id
           WHERE m.id IS NULL OR m.staked <> coalesce(c.amount, 0) OR m.commitments <> coalesce(c.stakes, 0) OR m.participants <> coalesce(c.users, 0)`,
      },
      {
        sql: `
          SELECT o.market_id, o.option_id, o.staked, o.commitments, o.participants, c.amount, c.stakes, c.users
            FROM market_options o
            FULL JOIN (SELECT market_id, option_id, sum(amount) AS amount, count(*) AS stakes, count(DISTINCT user_id) AS users FROM commitments GROUP BY 1, 2) c
                      USING (market_id, option_id)
           WHERE o.staked IS NULL OR o.staked <> coalesce(c.amount, 0) OR o.commitments <> coalesce(c.stakes, 0) OR o.participants <> coalesce(c.users, 0)`,
      },
      {
        sql: `
          SELECT market_id, user_id, p.staked, c.amount
            FROM market_participants p FULL JOIN (SELECT market_id, user_id, sum(amount) AS amount FROM commitments GROUP BY 1, 2) c USING (market_id, user_id)
           WHERE p.staked IS DISTINCT FROM c.amount`,
      },
      {
        sql: `
          SELECT market_id, user_id, option_id, p.staked, p.commitments, c.amount, c.stakes
            FROM market_positions p
            FULL JOIN (SELECT market_id, user_id, option_id, sum(amount) AS amount, count(*) AS stakes FROM commitments GROUP BY 1, 2, 3) c
                      USING (market_id, user_id, option_id)
           WHERE p.staked IS DISTINCT FROM c.amount OR p.commitments IS DISTINCT FROM c.stakes::int`,
      },
      {
        sql: `
          SELECT * FROM (
            SELECT id AS commitment, staked_before,
                   sum(amount) OVER (PARTITION BY market_id, user_id, option_id ORDER BY staked_before ROWS UNBOUNDED PRECEDING) - amount AS before
              FROM commitments) c WHERE c.staked_before <> c.before`,
      },
      {
        sql: `
          SELECT c.id AS commitment, c.amount, c.balance_after, e.op_key, e.amount AS booked, e.debit_available
            FROM (SELECT x.*, p.balance_id, m.pool_id FROM commitments x LEFT JOIN market_participants p ON p.market_id = x.market_id AND p.user_id = x.user_id
                    LEFT JOIN markets m ON m.id = x.market_id) c
            FULL JOIN (SELECT * FROM ledger_entries WHERE type = 'COMMITMENT') e ON e.op_key = 'commitment/' || c.id AND e.subject_id = c.market_id
           WHERE (c.amount, c.balance_after, c.balance_id, c.pool_id) IS DISTINCT FROM (e.amount, e.debit_available, e.debit_balance, e.credit_balance)`,
      },
    ],
  },
  {
    name: 'distributions_paid_once',
    description:
      'Who was paid got the payout once, by one event; of whom it was taken back gave it back or owes it, by another; of who failed nothing moved.',
    sql: `
      WITH booked AS (
        SELECT subject_id AS resolution_id, split_part(op_key, '/', 6) AS user_id,
               sum(amount) FILTER (WHERE type = 'DISTRIBUTION') AS shares, sum(amount) FILTER (WHERE type = 'STAKE_RETURN') AS stakes,
               sum(amount) FILTER (WHERE type IN ('DISTRIBUTION_BACK', 'DEBT')) AS back, sum(amount) FILTER (WHERE type = 'DEBT') AS owed,
               sum(amount) FILTER (WHERE type = 'COVER') AS covered, min(split_part(op_key, '/', 2)) AS market_id, min(split_part(op_key, '/', 4)) AS run
          FROM ledger_entries WHERE subject_kind = 'resolution' AND split_part(op_key, '/', 5) = 'user' AND type NOT IN ('REPAY', 'REPAID') GROUP BY 1, 2),
      told AS (
        SELECT object #>> '{distribution,resolutionId}' AS resolution_id, subject_id AS user_id, count(*) FILTER (WHERE type = 'distribution.completed') AS paid,
               count(*) FILTER (WHERE type = 'distribution.rolled_back') AS undone, min(object #>> '{distribution,payoutMinor}') AS least,
               max(object #>> '{distribution,payoutMinor}') AS most
          FROM events WHERE type IN ('distribution.completed', 'distribution.rolled_back') GROUP BY 1, 2)
      SELECT d.id AS distribution, d.state, d.payout, r.kind, to_jsonb(b) AS booked, to_jsonb(t) AS told
        FROM (SELECT x.*, (x.state <> 'failed')::int AS paid, (x.state = 'rolled_back')::int AS undone FROM distributions x) d
        LEFT JOIN resolutions r ON r.id = d.resolution_id
        FULL JOIN booked b ON b.resolution_id = d.resolution_id AND b.user_id = d.user_id
        FULL JOIN told t ON t.resolution_id = d.resolution_id AND t.user_id = d.user_id
       WHERE d.id IS NULL OR r.id IS NULL
          OR coalesce(b.shares, 0) <> CASE r.kind WHEN 'shares' THEN d.paid * d.payout ELSE 0 END
          OR coalesce(b.stakes, 0) <> CASE r.kind WHEN 'refund' THEN d.paid * d.payout ELSE 0 END
          OR coalesce(b.back, 0) <> d.undone * d.payout OR coalesce(b.covered, 0) > coalesce(b.owed, 0)
          OR b.market_id <> r.market_id OR b.run <> r.run::text OR d.market_id <> r.market_id
          OR coalesce(t.paid, 0) <> d.paid OR coalesce(t.undone, 0) <> d.undone
          OR d.paid = 1 AND (t.least IS DISTINCT FROM d.payout::text OR t.most <> t.least)`,
  },
  {
    name: 'distributions_by_their_share',
    description:
      'Each user’s payout is the floor of the share of the stake on what won, and one unit more up to the cut of the plan: of a market’s stakes alone.',
    sql: `
      SELECT d.id AS distribution, d.stake_won, d.stake_lost, d.remainder, d.rounded_up, d.payout, s.*
        FROM distributions d
        LEFT JOIN resolutions r ON r.id = d.resolution_id
        LEFT JOIN market_participants p ON p.market_id = d.market_id AND p.user_id = d.user_id
        LEFT JOIN market_positions q ON q.market_id = d.market_id AND q.user_id = d.user_id AND q.option_id = r.outcome
       CROSS JOIN LATERAL (SELECT CASE r.kind WHEN 'refund' THEN p.staked ELSE coalesce(q.staked, 0) END AS won) w
       CROSS JOIN LATERAL (SELECT w.won, mod(r.net::numeric * w.won, r.win_stake) AS rest, div(r.net::numeric * w.won, r.win_stake) AS floor) s
       WHERE p.staked IS NULL OR r.win_stake IS NULL OR d.stake_won <> s.won OR d.stake_lost <> p.staked - s.won OR d.remainder <> s.rest
          OR d.rounded_up <> coalesce(s.rest > r.cut_remainder OR s.rest = r.cut_remainder AND d.user_id COLLATE "C" <= r.cut_user COLLATE "C", false)
          OR d.payout <> s.floor + d.rounded_up::int`,
  },
  {
    name: 'resolutions_pay_their_plan',
    description:
      'A plan is what the market’s totals and fees say; what is paid and undone is what the users’ rows say; and one that is completed has paid all of it.',
    sql: `
      SELECT r.id AS resolution, r.state, r.kind, r.pool, r.net, r.paid, r.paid_users, r.undone_users, to_jsonb(t) AS planned, to_jsonb(d) AS done
        FROM resolutions r
        JOIN markets m ON m.id = r.market_id
        LEFT JOIN market_options w ON w.market_id = r.market_id AND w.option_id = r.outcome
        LEFT JOIN (SELECT resolution_id, sum(payout) FILTER (WHERE state <> 'failed') AS paid, count(*) FILTER (WHERE state <> 'failed') AS users,
                          count(*) FILTER (WHERE state = 'rolled_back') AS undone, sum(payout) FILTER (WHERE state = 'rolled_back') AS undone_paid,
                          count(*) FILTER (WHERE rounded_up) AS rounded_up
                     FROM distributions GROUP BY 1) d ON d.resolution_id = r.id
       CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(w.staked, 0) = 0 THEN 0 WHEN m.fee_base = 'gross' THEN m.staked ELSE m.staked - w.staked END::numeric AS base) f
       CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(w.staked, 0) = 0 THEN 'refund' ELSE 'shares' END AS kind, div(f.base * (m.house_fee_bps + m.creator_fee_bps), 10000) AS fees,
                                  div(f.base * m.creator_fee_bps, 10000) AS creator, CASE WHEN coalesce(w.staked, 0) = 0 THEN m.staked ELSE w.staked END AS stake,
                                  CASE WHEN coalesce(w.staked, 0) = 0 THEN 0 ELSE w.participants END AS winners) t
       WHERE (r.kind IS NULL) <> (r.state IN ('IN_REVIEW', 'DISPUTE_WINDOW', 'DISPUTED', 'PLANNING', 'PLANNING_STOPPED', 'WAITING_FOR_FUNDS', 'REJECTED'))
          OR r.kind IS NOT NULL AND ((r.kind, r.pool, r.fee_total, r.creator_fee, r.net, r.win_stake, r.users, r.winners)
                                     IS DISTINCT FROM (t.kind, m.staked, t.fees, t.creator, m.staked - t.fees, t.stake, m.participants, t.winners)
                                     OR (r.left_over = 0) <> (r.cut_user IS NULL) OR (r.cut_user IS NULL) <> (r.cut_remainder IS NULL))
          OR r.paid <> coalesce(d.paid, 0) OR r.paid_users <> coalesce(d.users, 0) OR (r.undone_users, r.undone) <> (coalesce(d.undone, 0), coalesce(d.undone_paid, 0))
          OR r.state = 'COMPLETED' AND (r.paid_users <> r.users OR r.paid <> r.net OR coalesce(d.rounded_up, 0) <> r.left_over OR r.undone_users > 0)
          OR r.state IN ('PAYING', 'PAYING_STOPPED') AND r.undone_users > 0
          OR r.state = 'ROLLED_BACK' AND r.undone_users <> r.paid_users`,
  },
  {
    name: 'fees_of_markets_booked_once',
    description:
      'The fees of a resolution are booked once, when all users are paid, to the house and to the creator as planned, and taken back, or owed, at the end of a rollback.',
    sql: `
      WITH booked AS (
        SELECT e.subject_id, sum(e.amount) FILTER (WHERE e.type = 'MARKET_FEE' AND e.op_key LIKE '%/house' AND b.owner_kind = 'merchant' AND b.owner_id = b.merchant_id) AS house,
               sum(e.amount) FILTER (WHERE e.type = 'MARKET_FEE' AND e.op_key LIKE '%/creator' AND b.owner_kind = 'user' AND b.owner_id = m.creator_user_id) AS creator,
               sum(e.amount) FILTER (WHERE e.type = 'MARKET_FEE') AS fees,
               sum(e.amount) FILTER (WHERE e.type = 'MARKET_FEE_BACK' AND e.op_key LIKE '%/house/back') AS house_back,
               sum(e.amount) FILTER (WHERE e.op_key LIKE '%/creator/back' AND e.type IN ('MARKET_FEE_BACK', 'DEBT')) AS creator_back
          FROM ledger_entries e
          LEFT JOIN resolutions r ON r.id = e.subject_id LEFT JOIN markets m ON m.id = r.market_id
          LEFT JOIN balances b ON b.id = e.credit_balance
         WHERE e.subject_kind = 'resolution' AND e.type IN ('MARKET_FEE', 'MARKET_FEE_BACK', 'DEBT') GROUP BY 1)
      SELECT r.id AS resolution, r.state, r.fees_booked, r.house_fee, r.creator_fee, b.*
        FROM resolutions r FULL JOIN booked b ON b.subject_id = r.id
       WHERE r.id IS NULL OR coalesce(b.house, 0) + coalesce(b.creator, 0) <> coalesce(b.fees, 0)
          OR coalesce(b.fees, 0) > 0 AND (coalesce(b.house, 0), coalesce(b.creator, 0)) <> (r.house_fee, r.creator_fee)
          OR coalesce(b.fees, 0) > 0 AND NOT (r.fees_booked OR r.state = 'ROLLED_BACK')
          OR r.fees_booked AND (coalesce(b.fees, 0) <> r.fee_total OR coalesce(b.house_back, 0) + coalesce(b.creator_back, 0) > 0)
          OR r.state = 'COMPLETED' AND NOT r.fees_booked
          OR coalesce(b.house_back, 0) > coalesce(b.house, 0)
          OR NOT r.fees_booked AND coalesce(b.creator_back, 0) <> coalesce(b.creator, 0)`,
  },
  {
    name: 'markets_as_told',
    description:
      'The events of a market and of a resolution count from 1 to their sequence, and the last led to where they are; a market is where its newest resolution is, and has one at most that is not over.',
    queries: [
      {
        sql: `
          SELECT coalesce(s.id, t.subject_id) AS subject, s.state, s.sequence, t.events, t.last, t.to_state
            FROM (SELECT id, state, sequence, 'market' AS kind FROM markets UNION ALL SELECT id, state, sequence, 'resolution' FROM resolutions) s
            FULL JOIN (SELECT subject_kind, subject_id, count(*) AS events, max(sequence) AS last, (array_agg(to_state ORDER BY sequence DESC))[1] AS to_state
                         FROM events WHERE subject_kind IN ('market', 'resolution') GROUP BY 1, 2) t ON t.subject_id = s.id AND t.subject_kind = s.kind
           WHERE s.id IS NULL OR t.events IS DISTINCT FROM s.sequence::bigint OR t.last <> s.sequence OR t.to_state <> s.state`,
      },
      {
        sql: `
          SELECT m.id AS market, m.state, m.run, r.runs, n.state AS newest, n.outcome
            FROM markets m
            LEFT JOIN (SELECT market_id, count(*) AS runs, max(run) AS last, count(*) FILTER (WHERE state NOT IN ('REJECTED', 'ROLLED_BACK')) AS standing
                         FROM resolutions GROUP BY 1) r ON r.market_id = m.id
            LEFT JOIN resolutions n ON n.market_id = m.id AND n.run = m.run
           WHERE m.run <> coalesce(r.runs, 0) OR m.run <> coalesce(r.last, 0) OR r.standing > (n.state NOT IN ('REJECTED', 'ROLLED_BACK'))::int
              OR m.state <> CASE WHEN n.id IS NULL THEN 'OPEN' WHEN n.state IN ('REJECTED', 'ROLLED_BACK') THEN 'UNRESOLVED'
                                 WHEN NOT n.fees_booked THEN 'RESOLVING' WHEN n.outcome = 'void' THEN 'VOID' ELSE 'RESOLVED' END`,
      },
      {
        sql: `
          SELECT r.id AS resolution, r.state, r.ended_at, r.resolved_by, r.rolled_back_by
            FROM resolutions r
           WHERE (r.ended_at IS NULL) = (r.state IN (${OVER}))
              OR (r.rolled_back_by IS NULL) = (r.state IN ('ROLLING_BACK', 'ROLLING_BACK_STOPPED', 'ROLLED_BACK')) OR r.rolled_back_by = r.resolved_by
              OR r.state = 'DISPUTED' AND NOT EXISTS (SELECT 1 FROM resolution_disputes d WHERE d.resolution_id = r.id AND d.round = r.round)`,
      },
    ],
  },
  {
    name: 'figures_of_markets_add_up',
    description:
      'The totals of markets, with what is not folded yet, are what the markets, their users and their resolutions come to.',
    sql: `
      SELECT kept.mode AS kept_mode, real.mode, to_jsonb(kept) AS kept, to_jsonb(real) AS real
        FROM (SELECT x.mode, x.currency, x.commitments, x.staked, x.participants, x.users, x.resolutions - x.rollbacks AS resolved, x.paid, x.house_fees, x.creator_fees
                FROM market_figures('', NULL, 'infinity') x WHERE x.span = 'ever') kept
        FULL JOIN (
          SELECT m.mode, m.currency, sum(m.commitments) AS commitments, sum(m.staked) AS staked, sum(m.participants) AS participants, max(coalesce(u.users, 0)) AS users,
                 count(r.id) AS resolved, coalesce(sum(r.paid), 0) AS paid, coalesce(sum(r.house_fee), 0) AS house_fees, coalesce(sum(r.creator_fee), 0) AS creator_fees
            FROM markets m
            LEFT JOIN resolutions r ON r.market_id = m.id AND r.fees_booked
            LEFT JOIN (SELECT n.mode, x.currency, count(*) AS users FROM market_users x JOIN users n ON n.id = x.user_id GROUP BY 1, 2) u ON u.mode = m.mode AND u.currency = m.currency
           GROUP BY 1, 2) real ON real.mode = kept.mode AND real.currency = kept.currency
       WHERE (coalesce(kept.commitments, 0), coalesce(kept.staked, 0), coalesce(kept.participants, 0), coalesce(kept.users, 0), coalesce(kept.resolved, 0),
              coalesce(kept.paid, 0), coalesce(kept.house_fees, 0), coalesce(kept.creator_fees, 0))
          <> (coalesce(real.commitments, 0), coalesce(real.staked, 0), coalesce(real.participants, 0), coalesce(real.users, 0), coalesce(real.resolved, 0),
              coalesce(real.paid, 0), coalesce(real.house_fees, 0), coalesce(real.creator_fees, 0))`,
  },
  {
    name: 'imports_line_by_line',
    description: 'An import counts its lines without a gap, and each that was taken in is one commitment of its market.',
    queries: [
      {
        sql: `
          SELECT i.id AS import, i.lines, i.accepted, l.*
            FROM imports i
            FULL JOIN (SELECT import_id, count(*) AS lines, count(DISTINCT nth) AS places, max(nth) AS last, count(commitment_id) AS accepted FROM import_lines GROUP BY 1) l ON l.import_id = i.id
           WHERE i.id IS NULL OR i.lines <> coalesce(l.lines, 0) OR l.places <> l.lines OR l.last <> l.lines OR i.accepted <> coalesce(l.accepted, 0)`,
      },
      {
        sql: `
          SELECT c.id AS commitment, c.import_id, l.import_id AS line_of, l.key
            FROM (SELECT * FROM commitments WHERE import_id IS NOT NULL) c
            FULL JOIN (SELECT x.*, i.market_id FROM import_lines x LEFT JOIN imports i ON i.id = x.import_id WHERE x.commitment_id IS NOT NULL) l ON l.commitment_id = c.id
           WHERE (c.import_id, c.market_id) IS DISTINCT FROM (l.import_id, l.market_id)`,
      },
    ],
  },
];

/** The steps of a resolution; its keys name the market and the run, and each user's entry the user. */
const RUN = `op_key LIKE 'market/mkt\\_%/run/%'`;
const PAID = `${RUN} AND op_key LIKE '%/user/usr\\_%' AND op_key NOT LIKE '%/back'`;
const UNPAID = `${RUN} AND op_key LIKE '%/user/usr\\_%/back'`;
const FEE = `${RUN} AND (op_key LIKE '%/fee/house' OR op_key LIKE '%/fee/creator')`;
const FEE_BACK = `${RUN} AND (op_key LIKE '%/fee/house/back' OR op_key LIKE '%/fee/creator/back')`;

export const marketChecks: FlowChecks = {
  invariants,
  entryKeys: [
    { subjectKind: 'market', keys: { COMMITMENT: `starts_with(op_key, 'commitment/com_') AND leg = 0` } },
    {
      subjectKind: 'resolution',
      keys: {
        DISTRIBUTION: `${PAID} AND leg = 0`,
        STAKE_RETURN: `${PAID} AND leg = 0`,
        MARKET_FEE: `${FEE} AND leg = 0`,
        DISTRIBUTION_BACK: `${UNPAID} AND leg = 0`,
        MARKET_FEE_BACK: `${FEE_BACK} AND leg = 0`,
        DEBT: `(${UNPAID} OR ${FEE_BACK}) AND leg = 1`,
        COVER: `(${UNPAID} OR ${FEE_BACK}) AND leg = 2 OR op_key LIKE 'market/mkt\\_%/cover/%' AND leg = 0`,
      },
    },
  ],
  creditKeys: `starts_with(op_key, 'market/')`,
};
