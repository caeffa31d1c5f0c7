/**
 * What must be true of payouts, and of their entries, attempts and events: a part of the list in invariants.ts. Each
 * relation reads its table in the order of an index and meets the payouts on the way, so that none of it is sorted,
 * hashed or held in memory.
 */

import type { FlowChecks, Invariant, Relation } from '../ledger/invariant.ts';
import { debtInvariants } from './debtInvariants.ts';
import { TIMELINE_ONLY } from './rules/machine.ts';
import { FINAL, HOLDING, IN_FLIGHT } from './rules/stateLists.ts';

const UNSENT = `('${TIMELINE_ONLY.join("', '")}')`;

/** Each payout and what its timeline tells: the states its events left, all those they led to, and whether each was legal. */
export const TOLD: Relation = {
  name: 'told',
  rows: `
    SELECT coalesce(p.id, e.subject_id) AS payout, p.id IS NULL AS is_unknown, e.subject_id IS NULL AS is_untold,
           p.merchant_id, p.mode, p.state, p.sequence, p.attempt, p.review, p.dispatch, p.run_id, coalesce(a.approved, 0) AS approved,
           e.events, e.first, e.last, e.are_legal, e.states_left, e.states_reached, e.approvals, e.runs,
           e.owner_least, e.owner_most, e.are_merchants, e.mode_least, e.mode_most
      FROM payouts p
      FULL JOIN (
        SELECT subject_id, count(*) AS events, min(sequence) AS first, max(sequence) AS last,
               bool_and(coalesce(CASE type
                 WHEN 'payout.created' THEN sequence = 1 AND from_state IS NULL AND to_state IN ('QUEUED', 'IN_REVIEW')
                 WHEN 'payout.in_review' THEN sequence = 2 AND from_state IS NULL AND to_state = 'IN_REVIEW'
                 ELSE from_state = to_state AND type IN ${UNSENT}
                   OR (from_state, to_state, type) IN (SELECT from_state, to_state, event_type FROM payout_edges) END, false)) AS are_legal,
               string_agg(CASE type WHEN 'payout.in_review' THEN to_state ELSE from_state END, ' ' ORDER BY sequence) AS states_left,
               string_agg(to_state, ' ' ORDER BY sequence) AS states_reached,
               count(*) FILTER (WHERE type = 'payout.approved') AS approvals,
               string_agg(coalesce(data ->> 'runId', ''), ' ') FILTER (WHERE type = 'payout.queued' AND data ? 'runId') AS runs,
               min(owner_id) AS owner_least, max(owner_id) AS owner_most, bool_and(owner_kind = 'merchant') AS are_merchants, min(mode) AS mode_least, max(mode) AS mode_most
          FROM events WHERE subject_kind = 'payout' GROUP BY subject_id) e ON e.subject_id = p.id
      LEFT JOIN (SELECT subject_id, count(*) AS approved FROM approvals WHERE decision = 'approved' GROUP BY subject_id) a ON a.subject_id = p.id`,
};

/** Each payout and what its entries add up to, by what they did. Their keys and legs are `entries_do_what_their_type_says`. */
const BOOKED: Relation = {
  name: 'booked',
  rows: `
    SELECT coalesce(p.id, e.subject_id) AS payout, p.id IS NULL AS is_unknown, e.subject_id IS NULL AS is_unbooked,
           p.balance_id, p.state, p.round, p.amount, p.fee, p.returns, p.debt,
           e.reserves, e.reserved, e.releases, e.released, e.settled, e.fee_settled, e.reversed, e.owed, e.psp_fees, e.balance_least, e.balance_most
      FROM payouts p
      FULL JOIN (
        SELECT subject_id,
               count(*) FILTER (WHERE type IN ('RESERVE', 'WITHDRAWAL')) AS reserves,
               coalesce(sum(amount) FILTER (WHERE type IN ('RESERVE', 'WITHDRAWAL')), 0) AS reserved,
               count(*) FILTER (WHERE type IN ('RELEASE', 'WITHDRAWAL_BACK')) AS releases,
               coalesce(sum(amount) FILTER (WHERE type IN ('RELEASE', 'WITHDRAWAL_BACK')), 0) AS released,
               coalesce(sum(amount) FILTER (WHERE type IN ('SETTLE', 'FEE', 'DEBT')), 0) AS settled,
               coalesce(sum(amount) FILTER (WHERE type = 'FEE' OR type = 'DEBT' AND leg = 3), 0) AS fee_settled,
               coalesce(sum(amount) FILTER (WHERE type = 'REVERSE'), 0) AS reversed,
               coalesce(sum(CASE WHEN type = 'DEBT' THEN amount WHEN type = 'REPAY' OR type = 'REVERSE' AND leg = 1 THEN -amount END), 0) AS owed,
               count(*) FILTER (WHERE type = 'PSP_FEE') AS psp_fees,
               min(coalesce(debit_balance, credit_balance)) AS balance_least, max(coalesce(credit_balance, debit_balance)) AS balance_most
          FROM (SELECT * FROM ledger_entries WHERE subject_kind = 'payout' ORDER BY subject_id) ordered GROUP BY subject_id) e
        ON e.subject_id = p.id`,
};

/** Each payout and its attempts. */
const TRIED: Relation = {
  name: 'tried',
  rows: `
    SELECT p.id AS payout, p.state, p.attempt, p.needs_operator, p.returns, coalesce(a.attempts, 0) AS attempts, coalesce(a.paid, 0) AS paid,
           coalesce(a.doubted, 0) AS doubted, coalesce(a.returned, 0) AS returned, a.newest, a.open, a.is_key_wrong, a.is_unproven
      FROM payouts p
      LEFT JOIN (
        SELECT payout_id, count(*) AS attempts, max(attempt) AS newest, min(attempt) FILTER (WHERE state = 'open') AS open,
               count(*) FILTER (WHERE state = 'succeeded') AS paid, bool_or(psp_key <> payout_id || ':' || attempt) AS is_key_wrong,
               count(*) FILTER (WHERE state = 'doubted') AS doubted, count(*) FILTER (WHERE state = 'returned') AS returned,
               bool_or(state = 'failed' AND (proof IS NULL
                 OR proof = 'refused' AND unknown_at IS NOT NULL OR proof = 'failed_transfer' AND psp_ref IS NULL)) AS is_unproven
          FROM (SELECT * FROM payout_attempts ORDER BY payout_id) ordered GROUP BY payout_id) a
        ON a.payout_id = p.id`,
};

const invariants: readonly Invariant[] = [
  {
    name: 'events_without_a_gap',
    description: 'The events of a payout count from 1 to its sequence.',
    over: TOLD,
    show: 'payout, sequence, events, first, last',
    where: `is_unknown OR is_untold OR first <> 1 OR events <> sequence OR last <> sequence`,
  },
  {
    name: 'events_follow_legal_edges',
    description:
      "Every event continues from the state before it by a legal edge, an ignored fact changes nothing, and the last one led to the payout's state.",
    over: TOLD,
    show: 'payout, state AS state_now, states_left, states_reached, are_legal',
    where: `NOT are_legal OR states_reached <> concat_ws(' ', states_left, state)`,
  },
  {
    name: 'payouts_booked_as_their_state_says',
    description:
      'A payout is reserved once a round; paid if and only if settled once, whole, and its amount once more after each return; failed, rejected or cancelled if and only if released and not settled; returned if and only if its amount was reversed as often as it was settled. What is owed for it was booked as a debt and is not repaid. A PSP has a fee only for what it paid.',
    over: BOOKED,
    show: 'payout, state, round, amount, fee, reserves, releases, settled, reversed, returns, debt, owed',
    where: `
      is_unknown OR is_unbooked
      OR reserves <> round OR reserved <> round * (amount + fee)
      OR released <> releases * (amount + fee)
      OR psp_fees > 0 AND settled = 0
      OR debt <> owed
      OR CASE WHEN state IN ${HOLDING} THEN releases <> round - 1 OR settled > 0 OR reversed > 0
              WHEN state IN ('FAILED', 'REJECTED', 'CANCELLED') THEN releases <> round OR settled > 0 OR reversed > 0
              ELSE releases NOT IN (round - 1, round) OR settled <> amount * (returns + CASE state WHEN 'RETURNED' THEN 0 ELSE 1 END) + fee
                OR fee_settled <> fee OR reversed <> amount * returns OR state = 'RETURNED' AND returns = 0 END`,
  },
  {
    name: 'payouts_paid_by_one_attempt',
    description: 'No payout was paid by two attempts; one that was paid has exactly one, one that is released has none.',
    over: TRIED,
    show: 'payout, state, paid AS attempts_paid',
    where: `
      paid > 1
      OR state = 'SUCCEEDED' AND paid = 0 OR state = 'RETURNED' AND returned = 0
      -- in flight, an earlier attempt may turn out to be paid; anywhere else that would have settled the payout
      OR state <> 'SUCCEEDED' AND state NOT IN ${IN_FLIGHT} AND paid > 0`,
  },
  {
    name: 'attempts_one_after_the_other',
    description:
      'Attempts are numbered from 1 without a gap; only the newest may be open, it is while in flight, and none is once the payout has ended.',
    over: TRIED,
    show: 'payout, state, attempt, attempts, newest, open',
    where: `
      attempt <> attempts OR attempt <> coalesce(newest, 0) OR open < newest OR is_key_wrong
      OR state IN ${IN_FLIGHT} AND open IS NULL AND doubted = 0
      OR state IN ${FINAL} AND open IS NOT NULL`,
  },
  {
    name: 'attempts_dead_by_proof',
    description:
      'Every attempt that counts as dead is proven so: refused with nothing uncertain before, shown failed by the PSP under its own name, or resolved by a person. So no key is new, and no money released, without proof.',
    queries: [
      { over: TRIED, show: `payout, state, 'no proof' AS problem`, where: 'is_unproven' },
      {
        over: TRIED,
        show: `payout, state, 'doubted, and nobody is told' AS problem`,
        where: `doubted > 0 AND state IN ${HOLDING} AND NOT needs_operator`,
      },
      {
        // Out of the timeline alone, whatever the attempts' rows say: a refusal of a repeat speaks of the repeat.
        sql: `
          SELECT a.payout_id AS payout, a.attempt::text AS state, 'refused after an unknown outcome' AS problem
            FROM payout_attempts a
           WHERE a.state = 'failed' AND a.proof = 'refused'
             AND EXISTS (SELECT 1 FROM events e WHERE e.subject_id = a.payout_id AND e.type = 'payout.outcome_unknown' AND e.to_state = 'UNKNOWN'
                            AND (e.data ->> 'attempt')::int = a.attempt)
          UNION ALL
          SELECT a.payout_id, a.attempt::text, 'resolved by nobody' FROM payout_attempts a
           WHERE a.state = 'failed' AND a.proof = 'operator' AND NOT EXISTS (
             SELECT 1 FROM events e WHERE e.subject_id = a.payout_id AND e.from_state = 'UNRESOLVED' AND e.type IN ('payout.failed', 'payout.succeeded'))`,
      },
    ],
  },
  {
    name: 'approved_by_another',
    description:
      'Nobody decided on a payout of their own; every approval is in the timeline, and no reviewed payout was sent without one.',
    queries: [
      {
        over: TOLD,
        show: `payout, state, 'approvals and timeline differ' AS problem`,
        where: 'approved <> coalesce(approvals, 0)',
      },
      {
        over: TOLD,
        show: `payout, state, 'sent without an approval' AS problem`,
        // of an attempt that a restored backup has forgotten the approval is forgotten, too
        where: `review IS NOT NULL AND approved = 0 AND (state IN ${IN_FLIGHT}
          OR attempt > 0 AND EXISTS (SELECT 1 FROM payout_attempts t WHERE t.payout_id = payout AND t.sends > 0))`,
      },
      {
        sql: `
          SELECT a.subject_id AS payout, p.state, CASE WHEN p.id IS NULL THEN 'of no payout' ELSE 'maker is checker' END AS problem
            FROM approvals a LEFT JOIN payouts p ON p.id = a.subject_id WHERE a.subject_kind = 'payout' AND (p.id IS NULL OR a.admin_id = p.maker_id)`,
      },
    ],
  },
  {
    name: 'tenants_apart',
    description:
      "Every entry and event of a payout is its own merchant's, in its mode and currency, and so is its balance; besides the merchant only its owner sees its events.",
    queries: [
      {
        over: TOLD,
        show: `payout, 'event' AS what, owner_least, owner_most, are_merchants, mode_least, mode_most`,
        where:
          'NOT are_merchants OR owner_least <> merchant_id OR owner_most <> merchant_id OR mode_least <> mode OR mode_most <> mode',
      },
      {
        sql: `
          WITH due AS (
            SELECT e.epoch, e.xid, e.position, p.owner_kind, p.owner_id, e.id
              FROM payouts p JOIN events e ON e.subject_kind = 'payout' AND e.subject_id = p.id
             WHERE p.kind <> 'merchant'),
          told AS (
            SELECT a.*, e.id
              FROM event_audience a JOIN events e ON (e.epoch, e.xid, e.position) = (a.epoch, a.xid, a.position) WHERE e.subject_kind = 'payout')
          SELECT coalesce(d.id, t.id) AS event, 'audience' AS what, t.owner_kind, t.owner_id, d.owner_id AS due
            FROM due d FULL JOIN told t ON (t.epoch, t.xid, t.position, t.owner_kind, t.owner_id) = (d.epoch, d.xid, d.position, d.owner_kind, d.owner_id)
           WHERE d.id IS NULL OR t.id IS NULL`,
      },
      {
        over: BOOKED,
        show: `payout, 'entry' AS what, balance_least, balance_most`,
        where: 'balance_least <> balance_id OR balance_most <> balance_id',
      },
      {
        sql: `
          SELECT p.id AS payout, 'balance' AS what, b.merchant_id || ' ' || b.mode AS whose
            FROM payouts p LEFT JOIN balances b ON b.id = p.balance_id
           WHERE b.id IS NULL OR b.merchant_id <> p.merchant_id OR b.mode <> p.mode OR b.currency <> p.currency
          UNION ALL
          SELECT b.merchant_id, 'account', a.id::text FROM balances b JOIN accounts a ON a.id IN (b.available_account, b.reserved_account, b.debt_account)
           WHERE a.merchant_id <> b.merchant_id OR a.mode <> b.mode OR a.currency <> b.currency OR a.balance_id IS DISTINCT FROM b.id`,
      },
    ],
  },
  {
    name: 'payouts_told_where_they_may_be',
    description:
      "A payout's webhooks tell no event that is for its timeline only, and a callback goes to the payout's own address.",
    sql: `
      SELECT d.id AS delivery, d.event_id, d.subject_id, d.url
        FROM webhook_deliveries d
        LEFT JOIN events e ON e.id = d.event_id
        LEFT JOIN payouts p ON p.id = d.subject_id
       WHERE d.subject_kind = 'payout' AND (p.id IS NULL OR e.type IN ${UNSENT} OR d.endpoint_id IS NULL AND p.callback_url IS DISTINCT FROM d.url)`,
  },
  {
    name: 'refused_without_a_trace',
    description: 'A payout that was refused never turned into one: no row, no entry, no event under its id.',
    sql: `
      SELECT r.payout_id AS payout, r.code FROM payout_refusals r
       WHERE EXISTS (SELECT 1 FROM payouts p WHERE p.id = r.payout_id)
          OR EXISTS (SELECT 1 FROM ledger_entries e WHERE e.subject_id = r.payout_id)
          OR EXISTS (SELECT 1 FROM events e WHERE e.subject_id = r.payout_id)`,
  },
];

/** The key of a step that is done once, or once more after each return. */
const step = (name: string): string =>
  `(op_key = subject_id || ':${name}' OR starts_with(op_key, subject_id) AND substr(op_key, length(subject_id) + 1) ~ '^:${name}:[1-9][0-9]*$')`;

/** Of a merchant's payouts and of a provider's: whose balance pays is the payout's own matter. */
export const payoutChecks: FlowChecks = {
  invariants: [...invariants, ...debtInvariants],
  openDebts: `SELECT balance_id, debt FROM payouts WHERE debt > 0`,
  openHolds: `SELECT balance_id, sum(amount + fee) FROM payouts WHERE state IN ${HOLDING} GROUP BY balance_id`,
  entryKeys: [
    {
      subjectKind: 'payout',
      keys: {
        RESERVE: `starts_with(op_key, subject_id || ':reserve:')`,
        RELEASE: `starts_with(op_key, subject_id || ':release:')`,
        WITHDRAWAL: `starts_with(op_key, subject_id || ':reserve:')`, // a user's, as a withdrawal's own
        WITHDRAWAL_BACK: `starts_with(op_key, subject_id || ':release:')`,
        REVERSE: step('reverse'),
        SETTLE: step('settle'),
        FEE: step('settle'),
        DEBT: step('settle'),
        PSP_FEE: `op_key = subject_id || ':psp_fee'`,
      },
    },
  ],
  creditKeys: `split_part(op_key, ':', 2) IN ('reverse', 'release')`,
};
