/** Withdrawals paid person to person, over HTTP: a payees' merchant and a payers'. No worker runs: what is told to workflows is written down. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Form, formOf, screenshot } from '../../harness/screenshots.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Role } from '../../src/rules/roles.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { type Door, type Merchant, openDoor, type Reply } from './door.ts';
import { newUtr } from './instant.ts';

export const UPI = { type: 'upi', upiId: 'asha.k@okhdfc' } as const;

type Change = Readonly<Record<string, unknown>>;

export interface OpenedWithdrawal {
  readonly id: string;
  readonly payee: string;
  readonly reference: string;
  readonly batches: readonly string[];
}

export interface InstantDoor {
  readonly door: Door;
  /** The payees', and the payers'. */
  readonly ours: Merchant;
  readonly theirs: Merchant;
  /** Of admins. */
  readonly keys: Readonly<Record<Role, string>>;
  /** Where screenshots are kept; and those that are. */
  readonly folder: string;
  kept(): Promise<string[]>;
  /** What was told to workflows. */
  told: string[];
  isTemporalAway: boolean;
  /** Below /api/v1, by the payees' merchant unless told. */
  call(key: string, method: string, path: string, body?: unknown, idempotencyKey?: string): Promise<Reply>;
  post(path: string, body: unknown, key?: string, idempotencyKey?: string): Promise<Reply>;
  get(path: string, key?: string): Promise<Reply>;
  /** What an operator asks for and does, below /api/admin/instant-payouts. */
  look(path: string, role?: Role): Promise<Reply>;
  act(path: string, body?: unknown, role?: Role): Promise<Reply>;
  /** Who has this much. */
  user(purse?: string, key?: string): Promise<string>;
  /** Available, locked. */
  purseOf(id: string, key?: string): Promise<readonly [string, string]>;
  order(userId: string, change?: Change): Change;
  /** A withdrawal of these slices. */
  open(amounts: readonly string[], change?: Change): Promise<OpenedWithdrawal>;
  /** By a payer of the other merchant's, who is new. */
  claim(batchId: string, key?: string): Promise<{ readonly payinId: string; readonly payer: string }>;
  prove(batchId: string, form?: Form, key?: string, idempotencyKey?: string): Promise<Reply>;
  confirm(batchId: string, by: string, key?: string): Promise<Reply>;
  /** As if the process had been killed between the work and the record of its answer. */
  forget(key: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** What was refused, and where. */
export const codes = ({ status, body }: Reply): readonly unknown[] => [
  status,
  body.code,
  ...(body.errors ?? []).map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`),
];

export async function openInstantDoor(): Promise<InstantDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'proofs-'));
  const tell = async (id: string): Promise<void> => {
    if (w.isTemporalAway) throw new TemporalUnavailable('away');
    w.told.push(id);
  };
  const instant: InstantClient = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  const door = await openDoor({ instant, env: { PROOFS_DIR: folder } });
  const [ours, theirs] = [await door.merchant(), await door.merchant()];
  const keyOf = async (role: Role): Promise<string> => (await door.admin(role)).key;
  const keys = {
    ...{ viewer: await keyOf('viewer'), operator: await keyOf('operator') },
    ...{ approver: await keyOf('approver'), admin: await keyOf('admin') },
  };
  for (const { id: merchantId } of [ours, theirs])
    for (const mode of ['test', 'live'] as const)
      await fund(door.context, { merchantId, mode, currency: 'INR', amountMinor: '10000000000', externalId: newId('ext') });

  const said = (body: unknown) => (body === undefined ? {} : { body });
  const w: InstantDoor = {
    ...{ door, ours, theirs, keys, folder },
    told: [],
    isTemporalAway: false,
    kept: async () => (await readdir(folder, { recursive: true }).catch(() => [])).filter((name) => name.includes('.jpg')),
    call: (key, method, path, body, idempotencyKey) =>
      door.call(method, `/api/v1${path}`, { key, ...said(body), ...(idempotencyKey && { idempotencyKey }) }),
    post: (path, body, key = ours.key, idempotencyKey) => w.call(key, 'POST', path, body, idempotencyKey),
    get: (path, key = ours.key) => w.call(key, 'GET', path),
    look: (path, role = 'operator') => door.call('GET', `/api/admin/instant-payouts${path}`, { key: keys[role] }),
    act: (path, body, role = 'operator') =>
      door.call('POST', `/api/admin/instant-payouts${path}`, { key: keys[role], ...said(body) }),
    async user(purse = '0', key = ours.key) {
      const { id } = made(await w.post('/users', { externalId: newId('user') }, key));
      if (purse !== '0')
        made(await w.post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') }, key));
      return id;
    },
    async purseOf(id, key) {
      const [balance] = (await w.get(`/users/${id}/balance`, key)).body.balances;
      return [balance?.available ?? '0.00', balance?.locked ?? '0.00'];
    },
    order: (userId, change = {}) => ({ userId, amount: '1000', currency: 'INR', reference: newId('wd'), payee: UPI, ...change }),
    async open(amounts, change = {}) {
      const amount = String(amounts.reduce((sum, each) => sum + Number(each), 0));
      const payee = await w.user(amount);
      const { id, reference, batches } = made(
        await w.post('/instant-payouts', w.order(payee, { amount, batches: amounts, ...change })),
      );
      return { id, payee, reference, batches: batches.map((each: { id: string }) => each.id) };
    },
    async claim(batchId, key = theirs.key) {
      const payer = await w.user('0', key);
      const { payinId } = made(await w.post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer }, key));
      return { payinId, payer };
    },
    async prove(batchId, form = {}, key = theirs.key, idempotencyKey = newId('k')) {
      const { body, headers } = await formOf({ image: await screenshot(), utr: newUtr(), ...form });
      const path = `/api/v1/instant-payouts/batches/${batchId}/screenshot`;
      return await door.call('POST', path, { key, body, headers, idempotencyKey });
    },
    confirm: (batchId, by, key) => w.post(`/instant-payouts/batches/${batchId}/confirm`, { by }, key),
    forget: (key) =>
      door.db.owner.query(
        'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
        [key],
      ),
    async stop() {
      await door.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return w;
}

/** @throws where it was refused. */
function made({ status, body, text }: Reply): Reply['body'] {
  if (status !== 201) throw new Error(`${status} ${text}`);
  return body;
}
