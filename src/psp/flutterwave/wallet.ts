/** The customer's wallets at the simulator, one a currency, and its settings there. Filled well unless a tester says otherwise. */
import type { Wallet } from '../simulator/book.ts';
import type { Client, Db } from '../simulator/database.ts';
import { TEXTS } from './scenarios.ts';

/** Enough for whoever does not want to test the lack of it. */
const OPENING = '10000000000';

export const TABLES = `
  CREATE TABLE IF NOT EXISTS wallets (currency text PRIMARY KEY, available numeric NOT NULL);
  CREATE TABLE IF NOT EXISTS settings (one boolean PRIMARY KEY DEFAULT true CHECK (one), requires_approval boolean NOT NULL);
`;

export const wallet: Wallet = {
  shortReason: TEXTS.shortOfFunds,
  async take(client: Client, currency: string, amount: string, force: boolean) {
    await open(client, currency);
    // One statement looks and takes: of two transfers at once that the wallet can bear one of, one is paid.
    const { rowCount } = await client.query(
      'UPDATE wallets SET available = available - $2::numeric WHERE currency = $1 AND (available >= $2::numeric OR $3)',
      [currency, amount, force],
    );
    return rowCount === 1;
  },
  async giveBack(client: Client, currency: string, amount: string) {
    await open(client, currency);
    await client.query('UPDATE wallets SET available = available + $2::numeric WHERE currency = $1', [currency, amount]);
  },
};

export async function balanceOf(db: Db, currency: string): Promise<string> {
  await open(db, currency);
  const { rows } = await db.query<{ available: string }>('SELECT available::text FROM wallets WHERE currency = $1', [currency]);
  return rows[0]?.available ?? OPENING;
}

export async function balances(db: Db): Promise<{ currency: string; available: string }[]> {
  await open(db, 'NGN');
  const { rows } = await db.query<{ currency: string; available: string }>(
    'SELECT currency, available::text FROM wallets ORDER BY currency',
  );
  return rows;
}

export async function setBalance(db: Db, currency: string, available: string): Promise<void> {
  await db.query(
    'INSERT INTO wallets (currency, available) VALUES ($1, $2) ON CONFLICT (currency) DO UPDATE SET available = excluded.available',
    [currency, available],
  );
}

async function open(db: Db, currency: string): Promise<void> {
  await db.query('INSERT INTO wallets (currency, available) VALUES ($1, $2) ON CONFLICT DO NOTHING', [currency, OPENING]);
}

/** Does every transfer wait for a person in the dashboard? */
export async function requiresApproval(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ requires_approval: boolean }>('SELECT requires_approval FROM settings');
  return rows[0]?.requires_approval ?? false;
}

export async function setRequiresApproval(db: Db, value: boolean): Promise<void> {
  await db.query(
    'INSERT INTO settings (requires_approval) VALUES ($1) ON CONFLICT (one) DO UPDATE SET requires_approval = excluded.requires_approval',
    [value],
  );
}
