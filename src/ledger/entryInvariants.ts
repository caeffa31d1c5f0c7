/** What must be true of entries, accounts and balances: a part of the list in invariants.ts. */
import { BETWEEN_MERCHANTS, ENTRY_KINDS, OWN_AGAIN } from '../rules/entryKinds.ts';
import type { FlowChecks, Invariant, Relation } from './invariant.ts';

const list = (words: readonly string[]): string => `'${words.join("', '")}'`;

const KINDS = ENTRY_KINDS.map((kind) => `('${kind.join("', '")}')`).join(', ');

/** What arrived for an owner belongs to no flow, nor does what an owner owes to another. */
const OWN: FlowChecks = {
  invariants: [],
  openDebts: 'SELECT balance_id, owed FROM debts WHERE owed > 0',
  entryKeys: [{ subjectKind: null, keys: { FUND: `starts_with(op_key, 'fund:')` } }],
  creditKeys: `starts_with(op_key, 'fund:')`,
};

/** What moved between which accounts, by type, and whether under the key of its step: a row stands for many entries. */
const movedBy = (flows: readonly FlowChecks[]): Relation => ({
  name: 'moved',
  rows: `
    SELECT debit_account, credit_account, debit_balance, credit_balance, currency, type, leg, coalesce(${isKeyed([OWN, ...flows])}, false) AS keyed,
           sum(amount) AS amount, count(*) AS entries, min(id) AS entry
      FROM ledger_entries GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`,
});

/** A repayment, and what its creditor gets, names the subject that its owner owes for, and has the key of the credit it is taken out of, whoever's that is. */
function isKeyed(flows: readonly FlowChecks[]): string {
  const all = flows.flatMap(({ entryKeys = [] }) => entryKeys);
  const kinds = [...new Set(all.map(({ subjectKind }) => subjectKind))];
  const repaying = flows.flatMap(({ creditKeys }) => creditKeys ?? []).map((key) => `(${key})`);
  const cases = kinds.map((kind) => {
    const keys = all.filter(({ subjectKind }) => subjectKind === kind).flatMap((each) => Object.entries(each.keys));
    if (kind !== null) keys.push(['REPAY', repaying.join(' OR ')], ['REPAID', repaying.join(' OR ')]);
    const ofKind = kind === null ? 'subject_id IS NULL' : `subject_kind = '${kind}'`;
    return `WHEN ${ofKind} THEN CASE type ${keys.map(([type, key]) => `WHEN '${type}' THEN ${key}`).join(' ')} END`;
  });
  return `CASE ${cases.join(' ')} END`;
}

/** What each account has got, less what it gave. */
const NETS = `
  SELECT account, sum(amount) AS net
    FROM (SELECT credit_account AS account, amount FROM moved UNION ALL SELECT debit_account, -amount FROM moved) sides
   GROUP BY account`;

/** Each balance that an entry touches, once: an entry between two accounts of one balance has it on the debit side alone. */
const SIDES = ['debit', 'credit']
  .map(
    (side) => `
        SELECT id AS entry, ${side}_balance AS balance, debit_account, credit_account, amount,
               ${side}_available AS available_after, ${side}_reserved AS reserved_after, ${side}_debt AS debt_after
          FROM ledger_entries WHERE ${side}_balance IS NOT NULL`,
  )
  .join(' UNION ALL ');

/** Each entry of a balance that there is, and what the entry before it has left. */
const HISTORY: Relation = {
  name: 'history',
  rows: `
    SELECT e.*, b.available_account, b.reserved_account, b.debt_account
      FROM (
        SELECT s.*, lag(available_after, 1, 0::bigint) OVER w AS available_before, lag(reserved_after, 1, 0::bigint) OVER w AS reserved_before,
               lag(debt_after, 1, 0::bigint) OVER w AS debt_before
          FROM (${SIDES}) s WINDOW w AS (PARTITION BY balance ORDER BY entry)) e
      JOIN balances b ON b.id = e.balance`,
};

/** @param flows whose entries and holds there are. */
export function entryInvariants(flows: readonly FlowChecks[]): readonly Invariant[] {
  const moved = movedBy(flows);
  const holds = flows.flatMap(({ openHolds }) => openHolds ?? []);
  const debts = [OWN, ...flows].flatMap(({ openDebts }) => openDebts ?? []);
  return [
    {
      name: 'history_adds_up',
      description: 'Every entry says what its balance was right after: the one before plus what it moved.',
      over: HISTORY,
      show: 'entry, balance, available_before, available_after, reserved_before, reserved_after, debt_before, debt_after',
      where: `
      num_nonnulls(available_after, reserved_after, debt_after) < 3
      OR available_after <> available_before + CASE available_account WHEN credit_account THEN amount WHEN debit_account THEN -amount ELSE 0 END
      OR reserved_after <> reserved_before + CASE reserved_account WHEN credit_account THEN amount WHEN debit_account THEN -amount ELSE 0 END
      OR debt_after <> debt_before + CASE debt_account WHEN debit_account THEN amount WHEN credit_account THEN -amount ELSE 0 END`,
    },
    {
      name: 'balances_equal_entries',
      description:
        'Every balance equals the net of its entries, available, reserved and debt, and its version counts them; none is negative.',
      over: moved,
      sql: `
      WITH nets AS (${NETS}), touched AS (
        SELECT balance, sum(entries) AS n
          FROM (SELECT debit_balance AS balance, entries FROM moved UNION ALL SELECT credit_balance, entries FROM moved) sides GROUP BY balance)
      SELECT b.id AS balance, b.available, a.net AS available_entries, b.reserved, r.net AS reserved_entries, b.debt, -d.net AS debt_entries, b.version, t.n AS entries
        FROM balances b
        LEFT JOIN nets a ON a.account = b.available_account
        LEFT JOIN nets r ON r.account = b.reserved_account
        LEFT JOIN nets d ON d.account = b.debt_account
        LEFT JOIN touched t ON t.balance = b.id
       WHERE b.available <> coalesce(a.net, 0) OR b.reserved <> coalesce(r.net, 0) OR b.debt <> -coalesce(d.net, 0) OR b.version <> coalesce(t.n, 0)
          OR b.available < 0 OR b.reserved < 0 OR b.debt < 0`,
    },
    {
      name: 'accounts_net_to_zero',
      description: 'Per mode and currency all accounts together are zero, and no account stands on the side where it cannot be.',
      over: moved,
      sql: `
      WITH nets AS (SELECT a.id, a.mode, a.currency, a.purpose, n.net FROM accounts a JOIN (${NETS}) n ON n.account = a.id)
      SELECT mode, currency, 'all' AS account, sum(net) AS net FROM nets GROUP BY mode, currency HAVING sum(net) <> 0
      UNION ALL
      SELECT mode, currency, purpose || ' ' || id, net FROM nets
       WHERE purpose IN ('funding', 'debt', 'psp_fees') AND net > 0 OR purpose NOT IN ('funding', 'debt', 'psp_fees') AND net < 0`,
    },
    {
      name: 'entries_within_one_currency_and_mode',
      description:
        'No entry names an account that does not exist, accounts of two currencies or modes, of two merchants but where people pay each other, or another balance than its accounts are of.',
      over: moved,
      sql: `
      SELECT f.entry, f.entries, f.currency, d.currency AS debit_currency, c.currency AS credit_currency, d.mode AS debit_mode, c.mode AS credit_mode,
             f.debit_balance, f.credit_balance
        FROM moved f
        LEFT JOIN accounts d ON d.id = f.debit_account
        LEFT JOIN accounts c ON c.id = f.credit_account
       WHERE d.id IS NULL OR c.id IS NULL OR d.currency <> f.currency OR c.currency <> f.currency OR d.mode <> c.mode
          OR d.merchant_id <> c.merchant_id AND '' NOT IN (d.merchant_id, c.merchant_id) AND f.type NOT IN (${list(BETWEEN_MERCHANTS)})
          OR f.debit_balance IS DISTINCT FROM d.balance_id OR f.credit_balance IS DISTINCT FROM nullif(c.balance_id, d.balance_id)`,
    },
    {
      name: 'entries_do_what_their_type_says',
      description: 'Every entry moves money between the accounts its type is for, under the key of its step.',
      over: moved,
      sql: `
      WITH kinds (type, debit, credit) AS (VALUES ${KINDS})
      SELECT f.entry, f.entries, f.leg, f.type, f.keyed, d.purpose AS debit, c.purpose AS credit
        FROM moved f
        LEFT JOIN accounts d ON d.id = f.debit_account
        LEFT JOIN accounts c ON c.id = f.credit_account
        LEFT JOIN kinds k ON k.type = f.type AND k.debit = d.purpose AND k.credit = c.purpose
       WHERE k.type IS NULL OR NOT f.keyed
          OR f.type = 'REVERSE' AND (f.leg = 1) <> (c.purpose = 'debt') OR f.type = 'REPAY' AND f.leg < 2
          OR f.type = 'DEBT' AND (f.leg = 3) <> (c.purpose = 'fees')`,
    },
    {
      name: 'credits_repay_first',
      description:
        'Nobody who owes gets new money to spend: of every credit the debt is repaid, as far as it goes, with the credit.',
      sql: `
      SELECT c.op_key, b.id AS balance, c.amount, coalesce(c.credit_debt, c.debit_debt) AS owed, r.repaid
        FROM ledger_entries c
        JOIN balances b ON b.id = coalesce(c.credit_balance, c.debit_balance) AND b.available_account = c.credit_account
        CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount), 0) AS repaid FROM ledger_entries e WHERE e.op_key = c.op_key AND e.type = 'REPAY') r
       WHERE (c.debit_debt > 0 OR c.credit_debt > 0) AND c.type NOT IN (${list(OWN_AGAIN)})
         AND r.repaid <> least(c.amount, coalesce(c.credit_debt, c.debit_debt))`,
    },
    {
      name: 'debts_of_their_subjects',
      description: 'What an owner owes, per mode and currency, is what it owes for subjects of all flows, one by one.',
      sql: `
      WITH owed AS (SELECT balance_id, sum(owed) AS debt FROM (${debts.join(' UNION ALL ')}) debts (balance_id, owed) GROUP BY balance_id),
      owing AS (SELECT id, debt FROM balances WHERE debt > 0)
      SELECT coalesce(b.id, o.balance_id) AS balance, b.debt, o.debt AS of_subjects
        FROM owing b FULL JOIN owed o ON o.balance_id = b.id WHERE b.debt IS DISTINCT FROM o.debt`,
    },
    {
      name: 'debts_to_others_as_booked',
      description:
        'What an owner owes to another was booked for its subject and is not repaid, and what a creditor is still to have is what all others owe it.',
      queries: [
        {
          sql: `
          SELECT d.id AS debt, d.amount, d.owed, e.booked, e.repaid, e.unowed
            FROM debts d
            CROSS JOIN LATERAL (
              SELECT coalesce(sum(x.amount) FILTER (WHERE x.type = 'DEBT'), 0) AS booked, coalesce(sum(x.amount) FILTER (WHERE x.type = 'REPAY'), 0) AS repaid,
                     coalesce(sum(x.amount) FILTER (WHERE x.type = 'DEBT_BACK'), 0) AS unowed
                FROM ledger_entries x WHERE x.subject_id = d.subject_id AND x.subject_kind = d.subject_kind AND coalesce(x.debit_balance, x.credit_balance) = d.balance_id) e
           WHERE d.amount <> e.booked OR d.owed <> e.booked - e.repaid - e.unowed`,
        },
        {
          over: moved,
          sql: `
          WITH nets AS (${NETS}), due AS (SELECT a.mode, a.owner_kind, a.owner_id, a.currency, n.net FROM accounts a JOIN nets n ON n.account = a.id WHERE a.purpose = 'owed'),
          owed AS (
            SELECT c.mode, c.owner_kind, c.owner_id, c.currency, sum(d.owed) AS owed FROM debts d LEFT JOIN balances c ON c.id = d.creditor_id GROUP BY 1, 2, 3, 4)
          SELECT 'due' AS debt, due.owner_id, due.net, owed.owed FROM due
            FULL JOIN owed ON (owed.mode, owed.owner_kind, owed.owner_id, owed.currency) = (due.mode, due.owner_kind, due.owner_id, due.currency)
           WHERE due.net IS DISTINCT FROM owed.owed`,
        },
      ],
    },
    {
      name: 'reserved_equals_open_holds',
      description: 'What an owner has reserved, per mode and currency, is what the open subjects of all flows hold of it.',
      sql: `
      WITH held AS (SELECT balance_id, sum(held) AS held FROM (${holds.join(' UNION ALL ')}) holds (balance_id, held) GROUP BY balance_id)
      SELECT coalesce(b.id, h.balance_id) AS balance, b.owner_kind, b.owner_id, b.mode, b.currency, b.reserved, h.held
        FROM balances b FULL JOIN held h ON h.balance_id = b.id
       WHERE coalesce(b.reserved, 0) <> coalesce(h.held, 0) OR b.id IS NULL`,
    },
  ];
}
