/** What must be true of games at every committed moment: a part of the list in src/ledger/invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';

/** Of a game that has been decided, what the bank is still to pay beyond the winners' own stakes. */
const TO_PAY = `coalesce((SELECT sum(greatest(p.payout - p.stake_won, 0)) FROM game_players p WHERE p.game_id = g.id AND p.state = 'playing'), 0)`;

const invariants: readonly Invariant[] = [
  {
    name: 'games_hold_what_they_may_pay',
    description:
      'An open game holds of its bank the most that any side could cost it; a decided one what is still to be paid; one that is over or void nothing.',
    sql: `
      SELECT * FROM (
        SELECT g.id AS game, g.state, g.held, CASE
                 WHEN g.state = 'OPEN' THEN (SELECT max(s.liability) FROM game_sides s WHERE s.game_id = g.id)
                 WHEN g.state IN ('SETTLING', 'PARTLY_SETTLED') THEN ${TO_PAY}
                 ELSE 0 END AS needed
          FROM games g) held WHERE held.held IS DISTINCT FROM held.needed`,
  },
  {
    name: 'stakes_of_games_add_up',
    description: 'The stakes of each side and of each player are those of the bets, and the liability is what their prizes cost.',
    queries: [
      {
        sql: `
          SELECT s.game_id, s.side, s.stakes, s.liability, b.stakes AS bet, b.liability AS of_bets
            FROM game_sides s
            FULL JOIN (SELECT game_id, side, sum(amount) AS stakes, sum(prize - amount) AS liability FROM bets GROUP BY 1, 2) b USING (game_id, side)
           WHERE s.game_id IS NULL OR s.stakes <> coalesce(b.stakes, 0) OR s.liability <> coalesce(b.liability, 0)`,
      },
      {
        sql: `
          SELECT p.game_id, p.user_id, p.total_bet, p.stake_won, b.bet, b.won
            FROM game_players p
            FULL JOIN (SELECT t.game_id, t.user_id, sum(t.amount) AS bet, coalesce(sum(t.amount) FILTER (WHERE t.side = g.winner), 0) AS won
                         FROM bets t JOIN games g ON g.id = t.game_id GROUP BY 1, 2) b USING (game_id, user_id)
           WHERE p.total_bet IS DISTINCT FROM b.bet OR p.stake_won <> b.won`,
      },
      {
        sql: `
          SELECT t.id AS bet, t.amount, e.amount AS booked FROM bets t
            FULL JOIN (SELECT * FROM ledger_entries WHERE type = 'BET') e ON e.op_key = 'bet/' || t.id AND e.leg = 0 AND e.subject_id = t.game_id
           WHERE t.amount IS DISTINCT FROM e.amount`,
      },
    ],
  },
  {
    name: 'bets_stand_as_their_players',
    description:
      'Before a player is settled none of the bets is; afterwards each is won or lost as the winner says, and after a void refunded, under the one key.',
    sql: `
      SELECT t.id AS bet, t.state, t.payout_transaction_id, p.state AS player, p.settlement_key
        FROM bets t JOIN games g ON g.id = t.game_id LEFT JOIN game_players p ON p.game_id = t.game_id AND p.user_id = t.user_id
       WHERE t.payout_transaction_id IS DISTINCT FROM p.settlement_key
          OR t.state IS DISTINCT FROM CASE p.state WHEN 'playing' THEN 'placed' WHEN 'voided' THEN 'refunded'
                                                   WHEN 'settled' THEN CASE t.side WHEN g.winner THEN 'won' ELSE 'lost' END END`,
  },
  {
    name: 'players_settled_once',
    description:
      'Who was settled got the payout once and lost the other stakes once, by one event; who was voided got the stakes back, and gave back or owes the win, by another.',
    sql: `
      WITH booked AS (
        SELECT split_part(op_key, '/', 2) AS game_id, split_part(op_key, '/', 4) AS user_id,
               sum(amount) FILTER (WHERE type = 'WIN') AS win, sum(amount) FILTER (WHERE type = 'LOSS') AS loss, sum(amount) FILTER (WHERE type = 'STAKE') AS stake,
               sum(amount) FILTER (WHERE type = 'REFUND') AS refund, sum(amount) FILTER (WHERE type = 'STAKE_BACK') AS stake_back,
               sum(amount) FILTER (WHERE type IN ('WIN_BACK', 'DEBT')) AS win_back
          FROM ledger_entries WHERE subject_kind = 'game' AND starts_with(op_key, 'game/') AND split_part(op_key, '/', 3) = 'user' AND type NOT IN ('REPAY', 'REPAID', 'RELEASE')
         GROUP BY 1, 2),
      told AS (
        SELECT object ->> 'gameId' AS game_id, subject_id AS user_id, count(*) FILTER (WHERE object ->> 'result' <> 'push') AS settled,
               count(*) FILTER (WHERE object ->> 'result' = 'push') AS voided,
               min(object ->> 'amountMinor') FILTER (WHERE object ->> 'result' <> 'push') AS amount
          FROM events WHERE subject_kind = 'user' AND type = 'game_complete' GROUP BY 1, 2)
      SELECT p.game_id, p.user_id, p.state, p.payout, p.total_bet, p.stake_won, to_jsonb(b) AS booked, to_jsonb(t) AS told
        FROM game_players p FULL JOIN booked b USING (game_id, user_id) FULL JOIN told t USING (game_id, user_id)
       WHERE p.state IS NULL
          OR coalesce(b.win, 0) <> CASE WHEN p.settled_at IS NULL THEN 0 ELSE p.payout END
          OR coalesce(b.loss, 0) <> CASE WHEN p.settled_at IS NULL THEN 0 ELSE p.total_bet - p.stake_won END
          OR coalesce(b.stake, 0) <> CASE WHEN p.settled_at IS NULL THEN 0 ELSE p.stake_won END
          OR coalesce(b.refund, 0) <> CASE p.state WHEN 'voided' THEN p.total_bet ELSE 0 END
          OR coalesce(b.stake_back, 0) <> CASE WHEN p.state = 'voided' AND p.settled_at IS NOT NULL THEN p.total_bet ELSE 0 END
          OR coalesce(b.win_back, 0) <> CASE WHEN p.state = 'voided' AND p.settled_at IS NOT NULL THEN p.payout ELSE 0 END
          OR coalesce(t.settled, 0) <> (p.settled_at IS NOT NULL)::int OR coalesce(t.voided, 0) <> (p.state = 'voided')::int
          OR p.settled_at IS NOT NULL AND t.amount IS DISTINCT FROM p.payout::text
          OR p.state = 'settled' AND p.settled_at IS NULL`,
  },
  {
    name: 'games_as_told',
    description: 'The events of a game count from 1 to its sequence, and the last edge led to where it is.',
    sql: `
      SELECT g.id AS game, g.state, g.sequence, t.*
        FROM games g
        FULL JOIN (SELECT subject_id, count(*) AS events, max(sequence) AS last, (array_agg(to_state ORDER BY sequence DESC))[1] AS to_state
                     FROM events WHERE subject_kind = 'game' GROUP BY 1) t ON t.subject_id = g.id
       WHERE g.id IS NULL OR t.events IS DISTINCT FROM g.sequence::bigint OR t.last <> g.sequence OR t.to_state <> g.state
          OR (g.winner IS NULL) <> (g.completed_at IS NULL)`,
  },
];

const SETTLEMENT = `starts_with(op_key, 'game/' || subject_id || '/user/')`;
const PART = `${SETTLEMENT} AND op_key LIKE '%/stakes'`;
const VOID = `${SETTLEMENT} AND op_key LIKE '%/void'`;
const BET = `starts_with(op_key, 'bet/bet_')`;

export const gameChecks: FlowChecks = {
  invariants,
  openHolds: `SELECT bank_id, held FROM games WHERE held > 0 UNION ALL SELECT balance_id, total_bet FROM game_players WHERE state = 'playing'`,
  entryKeys: [
    { subjectKind: null, keys: { BANK_DEPOSIT: `starts_with(op_key, 'bank:')`, BANK_WITHDRAW: `starts_with(op_key, 'bank:')` } },
    {
      subjectKind: 'game',
      keys: {
        BET: `${BET} AND leg = 0`,
        RESERVE: `${BET} AND leg = 1 OR op_key = 'game/' || subject_id || '/completion'`,
        RELEASE: `op_key IN ('game/' || subject_id || '/completion', 'game/' || subject_id || '/void') OR ${PART} AND leg = 2`,
        LOSS: `${PART} AND leg = 0`,
        STAKE: `${PART} AND leg = 1`,
        WIN: `${SETTLEMENT} AND leg = 0`,
        WIN_BACK: VOID,
        STAKE_BACK: VOID,
        REFUND: VOID,
        DEBT: VOID,
      },
    },
  ],
  creditKeys: `starts_with(op_key, 'game/') OR starts_with(op_key, 'bank:')`,
};
