/** What must be true of providers' money at every committed moment: a part of the list in invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';
import { TOLD } from '../payouts/invariants.ts';
import { HOLDING } from '../payouts/rules/stateLists.ts';

const invariants: readonly Invariant[] = [
  {
    name: 'earnings_make_up_balances',
    description: 'What a provider has available and reserved is the sum of its earnings, currency by currency.',
    sql: `
      WITH b AS (SELECT * FROM balances WHERE owner_kind = 'provider'),
      free AS (SELECT provider_id, currency, sum(available) AS available FROM earnings GROUP BY provider_id, currency),
      held AS (
        SELECT e.provider_id, e.currency, sum(u.amount) AS reserved
          FROM earning_uses u JOIN earnings e ON e.id = u.earning_id WHERE u.state = 'reserved' GROUP BY e.provider_id, e.currency)
      SELECT coalesce(b.owner_id, f.provider_id) AS provider, coalesce(b.currency, f.currency) AS currency,
             b.available, f.available AS available_earnings, b.reserved, h.reserved AS reserved_earnings
        FROM b FULL JOIN free f ON f.provider_id = b.owner_id AND f.currency = b.currency
        LEFT JOIN held h ON h.provider_id = f.provider_id AND h.currency = f.currency
       WHERE b.id IS NULL OR b.available <> coalesce(f.available, 0) OR b.reserved <> coalesce(h.reserved, 0)`,
  },
  {
    name: 'earnings_used_no_further_than_they_go',
    description: 'Every earning is what is still available of it, and what payouts have reserved or were paid.',
    sql: `
      WITH used AS (SELECT earning_id, sum(amount) AS amount FROM earning_uses WHERE state <> 'released' GROUP BY earning_id)
      SELECT coalesce(e.id, u.earning_id) AS earning, e.amount, e.available, u.amount AS used
        FROM earnings e FULL JOIN used u ON u.earning_id = e.id
       WHERE e.id IS NULL OR e.amount <> e.available + coalesce(u.amount, 0) OR e.available < 0`,
  },
  {
    name: 'earnings_used_as_payouts_say',
    description:
      "A provider's payout holds, was paid and gave back as much of the provider's own earnings as its entries moved: no less, no more, and of nobody else's.",
    sql: `
      WITH mine AS (
        SELECT p.id, p.state, p.round, p.currency, p.amount + p.fee AS whole, p.owner_id
          FROM payouts p WHERE p.owner_kind = 'provider'),
      moved AS (
        SELECT e.subject_id,
               coalesce(sum(e.amount) FILTER (WHERE e.type IN ('SETTLE', 'FEE', 'REPAY')), 0) AS paid,
               coalesce(sum(e.amount) FILTER (WHERE e.type = 'REVERSE' AND e.leg = 0), 0) AS back,
               coalesce(sum(e.amount) FILTER (WHERE e.type = 'RELEASE'), 0) AS released
          FROM ledger_entries e JOIN mine m ON m.id = e.subject_id GROUP BY e.subject_id),
      used AS (
        SELECT u.payout_id,
               coalesce(sum(u.amount) FILTER (WHERE u.state = 'reserved'), 0) AS reserved,
               coalesce(sum(u.amount) FILTER (WHERE u.state = 'paid_out'), 0) AS paid_out,
               coalesce(sum(u.amount) FILTER (WHERE u.state = 'released'), 0) AS released,
               bool_or(u.state = 'reserved' AND u.round <> m.round) AS of_another_round,
               bool_or(e.provider_id <> m.owner_id OR e.currency <> m.currency) AS of_another
          FROM earning_uses u LEFT JOIN mine m ON m.id = u.payout_id LEFT JOIN earnings e ON e.id = u.earning_id GROUP BY u.payout_id)
      SELECT coalesce(m.id, u.payout_id) AS payout, m.state, m.whole, u.reserved, u.paid_out, u.released,
             x.paid AS paid_entries, x.back AS reversed_entries, x.released AS released_entries
        FROM mine m FULL JOIN used u ON u.payout_id = m.id LEFT JOIN moved x ON x.subject_id = m.id
       WHERE m.id IS NULL OR u.of_another_round OR u.of_another
          OR coalesce(u.reserved, 0) <> CASE WHEN m.state IN ${HOLDING} THEN m.whole ELSE 0 END
          OR coalesce(u.paid_out, 0) <> coalesce(x.paid - x.back, 0)
          OR coalesce(u.released, 0) <> coalesce(x.released + x.back, 0)`,
  },
  {
    name: 'earnings_posted_once',
    description: 'Every earning left its merchant and reached its provider once, whole, and no money did so without one.',
    sql: `
      WITH posted AS (
        SELECT e.op_key, e.amount, e.currency, g.owner_id AS giver, t.owner_id AS taker
          FROM ledger_entries e
          LEFT JOIN balances g ON g.id = e.debit_balance AND g.owner_kind = 'merchant'
          LEFT JOIN balances t ON t.id = e.credit_balance AND t.owner_kind = 'provider'
         WHERE e.type = 'EARNING')
      SELECT x.id AS earning, x.amount, x.currency, t.op_key, t.amount AS posted, t.giver, t.taker
        FROM earnings x FULL JOIN posted t ON t.op_key = 'earning:' || x.merchant_id || ':' || x.mode || ':' || x.external_id
       WHERE x.id IS NULL OR t.op_key IS NULL OR t.amount <> x.amount OR t.currency <> x.currency
          OR t.giver IS DISTINCT FROM x.merchant_id OR t.taker IS DISTINCT FROM x.provider_id`,
  },
  {
    name: 'providers_within_their_merchant',
    description:
      "A payout is of its balance's owner and of that owner's kind, and every provider's balance and earning is of its own merchant and mode.",
    sql: `
      SELECT p.id AS what, p.kind || ' payout of ' || p.owner_id || ', balance of ' || b.owner_id AS problem
        FROM payouts p JOIN balances b ON b.id = p.balance_id
       WHERE p.kind <> b.owner_kind OR (p.owner_kind, p.owner_id) <> (b.owner_kind, b.owner_id)
      UNION ALL
      SELECT b.id::text, 'balance' FROM balances b LEFT JOIN providers v ON v.id = b.owner_id
       WHERE b.owner_kind = 'provider' AND (v.id IS NULL OR v.merchant_id <> b.merchant_id OR v.mode <> b.mode)
      UNION ALL
      SELECT e.id, 'earning' FROM earnings e LEFT JOIN providers v ON v.id = e.provider_id
       WHERE v.id IS NULL OR v.merchant_id <> e.merchant_id OR v.mode <> e.mode`,
  },
  {
    name: 'provider_payouts_assessed',
    description:
      'Every provider payout keeps the verdict on its own amount and provider, by a policy that there was; where it said so, somebody had to look.',
    sql: `
      SELECT p.id AS payout, p.state, p.risk -> 'verdict' AS verdict, p.risk -> 'policyVersion' AS version
        FROM payouts p LEFT JOIN risk_policies r ON r.merchant_id = p.risk ->> 'policyMerchantId' AND r.version = (p.risk ->> 'policyVersion')::int
       WHERE p.kind = 'provider'
         AND (p.risk IS NULL OR p.risk #>> '{facts,amountMinor}' IS DISTINCT FROM p.amount::text OR p.risk #>> '{facts,currency}' IS DISTINCT FROM p.currency
           OR coalesce(p.risk #>> '{verdict,decision}', '') NOT IN ('APPROVE', 'REVIEW')
           OR (p.risk #>> '{verdict,decision}' = 'REVIEW') <> (jsonb_array_length(p.risk #> '{verdict,reasons}') > 0)
           OR p.risk #>> '{verdict,decision}' = 'REVIEW' AND p.review IS NULL
           OR p.risk ->> 'policyVersion' <> '1' AND r.version IS NULL OR p.risk ->> 'policyVersion' = '1' AND p.risk ->> 'policyMerchantId' <> '')`,
  },
  {
    name: 'sent_after_one_run',
    description:
      'A payout that waits for a run is sent after one run has come to it, which its timeline names, and no other payout has one.',
    over: TOLD,
    show: 'payout, dispatch, run_id, attempt, runs AS runs_told',
    where: `
      dispatch = 'run' AND run_id IS NULL AND (attempt > 0 OR runs IS NOT NULL)
      OR run_id IS NOT NULL AND (dispatch <> 'run' OR runs IS DISTINCT FROM run_id)
      OR dispatch <> 'run' AND runs IS NOT NULL`,
  },
];

/** What a provider's payouts hold, payouts say. */
export const providerChecks: FlowChecks = {
  invariants,
  entryKeys: [{ subjectKind: null, keys: { EARNING: `starts_with(op_key, 'earning:') AND leg = 0` } }],
  creditKeys: `starts_with(op_key, 'earning:')`,
};
