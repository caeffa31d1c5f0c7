/** What must be true of users' money at every committed moment: a part of the list in src/ledger/invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';

const MOVED = `e.type IN ('USER_CREDIT', 'USER_DEBIT')`;

const invariants: readonly Invariant[] = [
  {
    name: 'users_within_their_merchant',
    description: 'Every balance of a user is of a user of its merchant, in its mode.',
    sql: `
      SELECT b.id AS balance, b.owner_id, b.merchant_id, b.mode, u.merchant_id AS users_merchant, u.mode AS users_mode
        FROM balances b LEFT JOIN users u ON u.id = b.owner_id
       WHERE b.owner_kind = 'user' AND (u.id IS NULL OR u.merchant_id <> b.merchant_id OR u.mode <> b.mode)`,
  },
  {
    name: 'user_money_between_merchant_and_user',
    description:
      'What a merchant gives a user or takes from one moves between the merchant and that user, under its name for it.',
    sql: `
      SELECT e.op_key, e.type, e.subject_id AS "user", g.owner_id AS giver, t.owner_id AS taker
        FROM ledger_entries e
        LEFT JOIN balances g ON g.id = e.debit_balance
        LEFT JOIN balances t ON t.id = e.credit_balance
       WHERE ${MOVED} AND (g.id IS NULL OR t.id IS NULL
          OR (g.owner_kind, t.owner_kind) <> (CASE e.type WHEN 'USER_CREDIT' THEN 'merchant' ELSE 'user' END, CASE e.type WHEN 'USER_CREDIT' THEN 'user' ELSE 'merchant' END)
          OR CASE e.type WHEN 'USER_CREDIT' THEN t.owner_id ELSE g.owner_id END <> e.subject_id
          OR NOT starts_with(e.op_key, 'user_money:' || g.merchant_id || ':' || g.mode || ':'))`,
  },
  {
    name: 'user_money_is_told',
    description: 'Every movement between a merchant and a user is told by one event, with its amount and the balance it made.',
    sql: `
      WITH moved AS (SELECT e.* FROM ledger_entries e WHERE ${MOVED}),
      told AS (SELECT * FROM events WHERE subject_kind = 'user' AND type IN ('user.credited', 'user.debited'))
      SELECT coalesce(m.op_key, t.op_key) AS op_key, m.amount, t.type AS told, t.object -> 'transaction' AS shown
        FROM moved m FULL JOIN told t ON t.op_key = m.op_key AND t.subject_id = m.subject_id
       WHERE m.op_key IS NULL OR t.op_key IS NULL
          OR t.type <> CASE m.type WHEN 'USER_CREDIT' THEN 'user.credited' ELSE 'user.debited' END
          OR t.object #>> '{transaction,entryId}' IS DISTINCT FROM m.id::text
          OR t.object #>> '{transaction,amountMinor}' IS DISTINCT FROM m.amount::text
          OR t.object #>> '{transaction,balanceAfterMinor}' IS DISTINCT FROM CASE m.type WHEN 'USER_CREDIT' THEN m.credit_available ELSE m.debit_available END::text
          -- who owes has less after it: what is owed is repaid by the same step
          OR (m.type = 'USER_DEBIT' OR m.credit_debt = 0) AND t.object #> '{transaction,balanceAfterMinor}' IS DISTINCT FROM t.object #> '{balance,availableMinor}'`,
  },
  {
    name: 'events_of_users',
    description:
      "The events of a user count from 1 to its sequence, and are seen by its merchant and by the user, in the user's mode; of two that show a balance the later shows none that is older.",
    queries: [
      {
        sql: `
          WITH told AS (
            SELECT e.subject_id, count(*) AS events, min(e.sequence) AS first, max(e.sequence) AS last, count(a.owner_id) AS heard,
                   min(e.owner_kind || ' ' || e.owner_id) AS owner_least, max(e.owner_kind || ' ' || e.owner_id) AS owner_most,
                   min(e.mode) AS mode_least, max(e.mode) AS mode_most
              FROM events e
              LEFT JOIN event_audience a ON (a.epoch, a.xid, a.position, a.owner_kind, a.owner_id) = (e.epoch, e.xid, e.position, 'user', e.subject_id)
             WHERE e.subject_kind = 'user' GROUP BY e.subject_id)
          SELECT coalesce(u.id, t.subject_id) AS "user", u.sequence, t.*
            FROM users u FULL JOIN told t ON t.subject_id = u.id
           WHERE u.id IS NULL OR u.sequence <> coalesce(t.events, 0)
              OR t.events > 0 AND (t.first <> 1 OR t.last <> t.events OR t.heard <> t.events OR t.mode_least <> u.mode OR t.mode_most <> u.mode
                OR t.owner_least <> 'merchant ' || u.merchant_id OR t.owner_most <> 'merchant ' || u.merchant_id)`,
      },
      {
        sql: `
          SELECT * FROM (
            SELECT e.id AS event, e.object -> 'balance' AS balance,
                   lag(e.object -> 'balance') OVER (PARTITION BY e.subject_id, e.object #>> '{balance,currency}' ORDER BY e.sequence) AS before
              FROM events e WHERE e.subject_kind = 'user' AND e.object ? 'balance') told
           WHERE (balance ->> 'version')::bigint < (before ->> 'version')::bigint
              OR balance -> 'version' = before -> 'version' AND balance <> before`, // nothing moved: the same once more
      },
    ],
  },
];

/** Whether a user is frozen says nothing of the past: what must hold is that nothing moves meanwhile, which the functions see to. */
export const userChecks: FlowChecks = {
  invariants,
  entryKeys: [
    {
      subjectKind: 'user',
      keys: {
        USER_CREDIT: `starts_with(op_key, 'user_money:') AND leg = 0`,
        USER_DEBIT: `starts_with(op_key, 'user_money:') AND leg = 0`,
      },
    },
  ],
  creditKeys: `starts_with(op_key, 'user_money:')`,
};
