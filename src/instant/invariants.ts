/** What must be true of instant payouts at every committed moment: a part of the list in src/ledger/invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';
import { BATCH } from './rules/batchMachine.ts';
import { INSTANT_PAYOUT } from './rules/payoutMachine.ts';
import { toldInvariant } from './toldInvariant.ts';

const list = (states: readonly string[]): string => `('${states.join("', '")}')`;
const OVER = list(INSTANT_PAYOUT.statesWhere(({ final }) => final));
const BATCH_OVER = list(BATCH.statesWhere(({ final }) => final));
const PROVEN = list(BATCH.statesWhere(({ proven }) => proven));

/** What of a slice's money is where, by the slice's state. */
const MONEY_OF_STATE = `
  CASE WHEN b.state IN ('unassigned', 'reassigned', 'assigned', 'proof_submitted') THEN b.money = 'held'
       WHEN b.state IN ('sys_confirmed', 'disputed') THEN b.money IN ('held', 'credited')
       WHEN b.state IN ('confirmed', 'admin_approved') THEN b.money = 'credited'
       WHEN b.state = 'rejected' THEN b.money <> 'credited'
       ELSE b.money IN ('held', 'released', 'handed') END`;

/** What an assignment must be while its slice is in this state and its money there. */
const ASSIGNMENT_OF_STATE = `
  CASE WHEN b.state = 'assigned' THEN 'open'
       WHEN b.money IN ('credited', 'reversed') THEN 'settled'
       WHEN b.state IN ${PROVEN} THEN 'proved'
       WHEN b.state = 'rejected' THEN 'refused' END`;

/** In which state a payin is while its assignment is in this one: as an operator has decided, where its proof came late, or its bank's word. */
const PAYIN_OF_ASSIGNMENT = `
  p.state = CASE WHEN l.payin_id IS NOT NULL THEN CASE WHEN l.decision IS NULL THEN 'late_proof' WHEN l.decision = 'credit' THEN 'completed' ELSE coalesce(l.was, 'failed') END
                 WHEN a.state = 'open' THEN 'assigned' WHEN a.state = 'proved' THEN 'proof_submitted'
                 WHEN a.state = 'settled' THEN CASE b.money WHEN 'reversed' THEN 'reversed' ELSE 'completed' END
                 WHEN a.state = 'refused' THEN 'failed' ELSE 'expired' END
  AND (l.payin_id IS NULL OR l.was IS NOT DISTINCT FROM CASE WHEN a.state = 'settled' THEN 'reversed' WHEN a.state = 'refused' THEN 'failed' WHEN l.was = 'failed' THEN 'failed' END
       AND (a.state IN ('refused', 'expired', 'taken_back') OR a.state = 'settled' AND b.money = 'reversed'))`;

const booked = (type: string, key: string): string =>
  `coalesce((SELECT sum(e.amount) FROM ledger_entries e WHERE e.op_key = ${key} AND e.type = '${type}'), 0)`;

const invariants: readonly Invariant[] = [
  {
    name: 'withdrawals_add_up',
    description:
      'The slices of a withdrawal make its total; what is paid, held, returned and handed over is what its slices say, and one that is over holds nothing.',
    sql: `
      SELECT w.id AS withdrawal, w.state, w.total, w.paid, w.held, w.returned, w.handed, to_jsonb(s) AS of_slices
        FROM instant_payouts w
        FULL JOIN (
          SELECT instant_payout_id, sum(amount) AS total, coalesce(sum(amount) FILTER (WHERE money = 'credited'), 0) AS paid,
                 coalesce(sum(amount) FILTER (WHERE money = 'held'), 0) AS held, coalesce(sum(amount) FILTER (WHERE money IN ('released', 'reversed')), 0) AS returned,
                 coalesce(sum(amount) FILTER (WHERE money = 'handed'), 0) AS handed, bool_and(state IN ${BATCH_OVER}) AS are_over
            FROM instant_batches GROUP BY 1) s ON s.instant_payout_id = w.id
       WHERE w.id IS NULL OR (w.total, w.paid, w.held, w.returned, w.handed) IS DISTINCT FROM (s.total, s.paid, s.held, s.returned, s.handed)
          OR (w.state IN ${OVER}) <> (w.completed_at IS NOT NULL) OR (w.state IN ${OVER}) <> (s.are_over AND w.held = 0)
          OR w.completed_at IS NOT NULL AND w.state <> CASE WHEN w.paid = w.total THEN 'completed' WHEN w.paid + w.handed > 0 THEN 'partially_completed' ELSE 'cancelled' END`,
  },
  {
    name: 'slices_booked_once',
    description:
      'A withdrawal was reserved once, whole; each slice of it was credited to its payer once, released once, or, taken back, given back and owed to the unit: as it says, and nothing else.',
    queries: [
      {
        sql: `
          SELECT * FROM (
            SELECT w.id AS withdrawal, w.total, ${booked('WITHDRAWAL', `'withdrawal/' || w.id`)} AS reserved, w.handed, ${booked('RELEASE', `'withdrawal/' || w.id || '/rest'`)} AS handed_over
              FROM instant_payouts w) booked WHERE total <> reserved OR handed <> handed_over`,
      },
      {
        sql: `
          SELECT * FROM (
            SELECT b.id AS batch, b.amount, b.money, ${booked('SLICE', `'slice/' || b.id`)} AS credited, ${booked('WITHDRAWAL_BACK', `'slice/' || b.id || '/release'`)} AS released,
                   ${booked('SLICE_BACK', `'slice/' || b.id || '/back'`)} + ${booked('DEBT', `'slice/' || b.id || '/back'`)} AS taken_back,
                   ${booked('SLICE_BACK', `'slice/' || b.id || '/back'`)} - ${booked('WITHDRAWAL_BACK', `'slice/' || b.id || '/returned'`)} AS kept
              FROM instant_batches b) booked
           WHERE credited <> CASE WHEN money IN ('credited', 'reversed') THEN amount ELSE 0 END OR released <> CASE money WHEN 'released' THEN amount ELSE 0 END
              OR taken_back <> CASE money WHEN 'reversed' THEN amount ELSE 0 END OR kept <> 0`,
      },
      {
        sql: `
          SELECT * FROM (
            SELECT l.payin_id AS late, l.decision, p.amount, ${booked('SLICE', `'late/' || p.id || '/credit'`)} AS credited, ${booked('DEBT', `'late/' || p.id`)} AS owed,
                   ${booked('WITHDRAWAL', `'late/' || p.id`)} AS taken, ${booked('DEBT_BACK', `'late/' || p.id || '/unowed'`)} AS unowed
              FROM late_proofs l LEFT JOIN payins p ON p.id = l.payin_id) booked
           WHERE credited + owed + unowed IS DISTINCT FROM CASE decision WHEN 'credit' THEN amount ELSE 0 END OR taken <> credited`,
      },
      {
        sql: `
          SELECT e.op_key, e.type, e.subject_id FROM ledger_entries e
           WHERE e.subject_kind IN ('instant_payout', 'instant_batch', 'payin') AND e.type NOT IN ('REPAY', 'REPAID')
             AND NOT EXISTS (SELECT 1 FROM instant_payouts w WHERE w.id = e.subject_id) AND NOT EXISTS (SELECT 1 FROM instant_batches b WHERE b.id = e.subject_id)
             AND NOT EXISTS (SELECT 1 FROM late_proofs l WHERE l.payin_id = e.subject_id)`,
      },
    ],
  },
  {
    name: 'slices_between_their_people',
    description: 'Every credit of a slice goes from its payee to its payer, who are two users, in the currency and mode of both.',
    sql: `
      SELECT e.op_key, e.type, g.owner_id AS from, t.owner_id AS to, b.payee_id, p.user_id AS payer
        FROM ledger_entries e
        LEFT JOIN payins p ON p.id = CASE e.subject_kind WHEN 'payin' THEN e.subject_id ELSE (SELECT x.payin_id FROM instant_batches x WHERE x.id = e.subject_id) END
        LEFT JOIN instant_batches b ON b.id = p.batch_id
        LEFT JOIN balances g ON g.id = e.debit_balance
        LEFT JOIN balances t ON t.id = e.credit_balance
       WHERE e.type IN ('SLICE', 'SLICE_BACK')
         AND (b.payee_id, p.user_id, b.currency, b.mode, p.currency, p.mode, 'user', 'user', b.payee_id = p.user_id)
             IS DISTINCT FROM (CASE e.type WHEN 'SLICE' THEN g.owner_id ELSE t.owner_id END, CASE e.type WHEN 'SLICE' THEN t.owner_id ELSE g.owner_id END,
                               e.currency, g.mode, e.currency, t.mode, g.owner_kind, t.owner_kind, false)`,
  },
  {
    name: 'slices_stand_as_their_assignments',
    description:
      "A slice's money is where its state says; the assignment that counts is its payer's, in the state that goes with it, and each payin stands as its assignment does.",
    queries: [
      {
        sql: `
          SELECT b.id AS batch, b.state, b.money, b.epoch, b.assignments, a.state AS assignment
            FROM instant_batches b LEFT JOIN instant_assignments a ON (a.batch_id, a.epoch) = (b.id, b.epoch)
           WHERE NOT (${MONEY_OF_STATE}) OR (a.payin_id, a.user_id) IS DISTINCT FROM (b.payin_id, b.payer_id) OR a.state IS DISTINCT FROM ${ASSIGNMENT_OF_STATE}
              OR b.assignments <> (SELECT count(*) FROM instant_assignments x WHERE x.batch_id = b.id)`,
      },
      {
        sql: `
          SELECT coalesce(p.id, a.payin_id) AS payin, p.state, a.batch_id, a.epoch, a.state AS assignment, l.decision AS late
            FROM instant_assignments a
            FULL JOIN payins p ON p.id = a.payin_id
            LEFT JOIN instant_batches b ON b.id = a.batch_id
            LEFT JOIN late_proofs l ON l.payin_id = a.payin_id
           WHERE p.id IS NULL
              OR CASE WHEN a.payin_id IS NULL THEN p.state NOT IN ('waiting', 'expired') OR p.batch_id IS NOT NULL
                      ELSE b.id IS NULL OR (p.batch_id, p.user_id, p.amount, p.currency, p.mode) IS DISTINCT FROM (a.batch_id, a.user_id, b.amount, b.currency, b.mode)
                        OR NOT (${PAYIN_OF_ASSIGNMENT}) END`,
      },
    ],
  },
  {
    name: 'utrs_prove_once',
    description:
      'Each proof has its UTR among those that are used, each used one is of one proof, and no slice was credited without.',
    queries: [
      {
        sql: `
          SELECT coalesce(u.utr, f.utr) AS utr, f.batch_id, f.epoch, u.batch_id AS used_for
            FROM instant_proofs f FULL JOIN used_utrs u ON (u.mode, u.utr) = (f.mode, f.utr)
           WHERE (u.batch_id, u.epoch, u.rail) IS DISTINCT FROM (f.batch_id, f.epoch, f.rail)`,
      },
      {
        sql: `
          SELECT b.id AS batch, b.state, b.money, b.utr, f.utr AS proven, f.amount
            FROM instant_batches b LEFT JOIN instant_proofs f ON (f.batch_id, f.epoch) = (b.id, b.epoch)
           WHERE (b.money IN ('credited', 'reversed') OR b.state IN ${PROVEN}) AND (f.utr, f.amount, f.payin_id) IS DISTINCT FROM (b.utr, b.amount, b.payin_id)`,
      },
      {
        sql: `
          SELECT c.id AS bank_credit, c.state, c.utr, c.amount, u.batch_id FROM bank_credits c
            LEFT JOIN used_utrs u ON (u.mode, u.utr) = (c.mode, c.utr) AND u.batch_id = c.batch_id LEFT JOIN instant_batches b ON b.id = c.batch_id
           WHERE c.state <> 'waiting' AND (u.batch_id IS NULL OR (c.state = 'matched') <> ((c.amount, c.currency) = (b.amount, b.currency)))`,
      },
    ],
  },
  {
    name: 'rests_handed_over_once',
    description: "Each payout of a user's is the whole rest of one withdrawal, which holds nothing of it any more.",
    sql: `
      SELECT coalesce(w.id, p.id) AS subject, w.state, w.handed, p.amount, p.fee
        FROM (SELECT * FROM instant_payouts WHERE handed > 0) w FULL JOIN (SELECT * FROM payouts WHERE kind = 'user') p ON p.id = w.rest_payout_id
       WHERE (p.amount + p.fee, p.owner_id, p.merchant_id, p.mode) IS DISTINCT FROM (w.handed, w.user_id, w.merchant_id, w.mode)`,
  },
  {
    name: 'banks_are_heard',
    description:
      'What a bank told of a payment that somebody has shown belongs to that proof, and no payin that was not paid, so the books say, was paid, so the bank says, but where the payee has given it back, an operator knew of both, or the bank tells another amount, too, which operators are shown.',
    sql: `
      SELECT c.id AS bank_credit, c.state, p.id AS payin, p.state AS stands, l.decision AS late
        FROM bank_credits c
        JOIN used_utrs u ON (u.mode, u.utr) = (c.mode, c.utr)
        JOIN instant_proofs f ON (f.batch_id, f.epoch) = (u.batch_id, u.epoch)
        JOIN instant_batches b ON b.id = u.batch_id
        JOIN instant_payouts w ON w.id = b.instant_payout_id AND w.merchant_id = c.merchant_id
        JOIN payins p ON p.id = f.payin_id
        LEFT JOIN late_proofs l ON l.payin_id = p.id
       WHERE c.state = 'waiting' OR c.state = 'matched' AND p.state IN ('failed', 'reversed') AND c.decided_at IS NULL AND c.other_amount IS NULL AND l.decision IS DISTINCT FROM 'refund'`,
  },
  toldInvariant,
];

export const instantChecks: FlowChecks = {
  invariants,
  openHolds: 'SELECT balance_id, held FROM instant_payouts WHERE held > 0',
  entryKeys: [
    {
      subjectKind: 'instant_payout',
      keys: {
        WITHDRAWAL: `op_key = 'withdrawal/' || subject_id AND leg = 0`,
        RELEASE: `op_key = 'withdrawal/' || subject_id || '/rest'`,
      },
    },
    {
      subjectKind: 'instant_batch',
      keys: {
        SLICE: `op_key = 'slice/' || subject_id AND leg = 0`,
        WITHDRAWAL_BACK: `op_key = 'slice/' || subject_id || '/release' AND leg = 0 OR op_key = 'slice/' || subject_id || '/returned' AND leg = 0`,
        SLICE_BACK: `op_key = 'slice/' || subject_id || '/back' AND leg = 0`,
        DEBT: `op_key = 'slice/' || subject_id || '/back' AND leg = 2`,
        DEBT_BACK: `op_key LIKE 'late/pin\\_%/unowed' AND leg = 0`,
      },
    },
    {
      subjectKind: 'payin',
      keys: {
        WITHDRAWAL: `op_key = 'late/' || subject_id AND leg = 0`,
        SLICE: `op_key = 'late/' || subject_id || '/credit' AND leg = 0`,
        DEBT: `op_key = 'late/' || subject_id AND leg = 1`,
      },
    },
  ],
  creditKeys: `starts_with(op_key, 'slice/') OR starts_with(op_key, 'late/')`,
};
