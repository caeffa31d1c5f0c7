/** The demo installation's merchants, admins and money. Done again it changes nothing. */
import pg from 'pg';
import { hashApiKey } from '../crypto/newSecret.ts';
import { encryptSecret, parseKeys } from '../crypto/secretBox.ts';
import { fund } from '../merchants/useCases/fund.ts';
import { newId } from '../rules/newId.ts';
import type { Credentials } from './home.ts';

/** 1,000,000.00 of each currency, in the test world only: live money has to arrive. */
const DEMO_FUNDS = { PKR: '100000000', NGN: '100000000' } as const;

/** An older installation's have no address yet. */
const ADMIN = `
  INSERT INTO admins (id, name, role, email) VALUES ($1, $2, $3, $4)
  ON CONFLICT (id) DO UPDATE SET email = coalesce(admins.email, excluded.email)`;

export async function seed(ownerUrl: string, credentials: Credentials, encryptionKeys: string): Promise<void> {
  const keys = parseKeys(encryptionKeys);
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'oncepay seed' });
  await client.connect();
  try {
    for (const { id, name, testKey, liveKey, webhookSecret } of credentials.merchants) {
      await client.query('INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
        id,
        name,
        encryptSecret(keys, webhookSecret),
      ]);
      await addKey(client, testKey, { kind: 'merchant', id, mode: 'test' });
      await addKey(client, liveKey, { kind: 'merchant', id, mode: 'live' });
      for (const [currency, amountMinor] of Object.entries(DEMO_FUNDS)) {
        const request = { merchantId: id, mode: 'test' as const, currency, amountMinor, externalId: `demo-${currency}` };
        await fund({ pool: client }, request);
      }
    }
    for (const [index, { id, role, key }] of credentials.admins.entries()) {
      const name = `demo-${role}-${index + 1}`;
      await client.query(ADMIN, [id, name, role, `${name}@example.com`]);
      await addKey(client, key, { kind: 'admin', id });
    }
  } finally {
    await client.end();
  }
}

export async function addKey(
  client: pg.Client,
  key: string,
  owner: { readonly kind: 'merchant' | 'admin'; readonly id: string; readonly mode?: 'test' | 'live' },
): Promise<void> {
  const prefix = key.slice(0, key.lastIndexOf('_') + 1);
  await client.query(
    `INSERT INTO api_keys (id, hash, owner_kind, owner_id, mode, scopes, prefix, last4)
     VALUES ($1, $2, $3, $4, $5, '{}', $6, $7) ON CONFLICT (hash) DO NOTHING`,
    [newId('key'), hashApiKey(key), owner.kind, owner.id, owner.mode ?? null, prefix, key.slice(-4)],
  );
}
