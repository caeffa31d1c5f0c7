/** Withdrawals paid person to person, over HTTP: a payees' merchant and a payers'. No worker runs: what is decided stands in the books. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Form, formOf, screenshot } from '../../harness/screenshots.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Role } from '../../src/rules/roles.ts';
import { type Door, type Merchant, openDoor, type Reply } from './door.ts';
import { newUtr } from './instant.ts';

export interface OpenedWithdrawal {
  readonly id: string;
  readonly payee: string;
  readonly reference: string;
  readonly batches: readonly string[];
}

export interface InstantDoor {
  readonly door: Door;
  /** Where screenshots are kept. */
  readonly folder: string;
  /** The payees', and the payers'. */
  readonly ours: Merchant;
  readonly theirs: Merchant;
  readonly keys: Readonly<Record<Role, string>>;
  /** A withdrawal of these slices. */
  open(amounts: readonly string[], options?: { reference?: string }): Promise<OpenedWithdrawal>;
  /** By a payer of the other merchant's, who is new. */
  claim(batchId: string): Promise<string>;
  prove(batchId: string, form?: Form): Promise<Reply>;
  /** What an operator asks for and does, below /api/admin/instant-payouts. */
  look(path: string, role?: Role): Promise<Reply>;
  act(path: string, body?: unknown, role?: Role): Promise<Reply>;
  stop(): Promise<void>;
}

export async function openInstantDoor(): Promise<InstantDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'proofs-'));
  const nobody = async () => undefined;
  const instant: InstantClient = { lookAtInstantPayout: nobody, lookAtBatch: nobody, lookAtPayin: nobody };
  const door = await openDoor({ instant, env: { PROOFS_DIR: folder } });
  const [ours, theirs] = [await door.merchant(), await door.merchant()];
  const keyOf = async (role: Role) => (await door.admin(role)).key;
  const keys = {
    ...{ viewer: await keyOf('viewer'), operator: await keyOf('operator') },
    ...{ approver: await keyOf('approver'), admin: await keyOf('admin') },
  };
  await fund(door.context, {
    ...{ merchantId: ours.id, mode: 'test', currency: 'INR', amountMinor: '10000000000', externalId: newId('ext') },
  });
  const post = async (path: string, body: unknown, key: string): Promise<Reply> => {
    const reply = await door.call('POST', `/api/v1${path}`, { key, body });
    if (reply.status > 299) throw new Error(reply.text);
    return reply;
  };
  const user = async (key: string): Promise<string> => (await post('/users', { externalId: newId('user') }, key)).body.id;
  return {
    ...{ door, folder, ours, theirs, keys },
    async open(amounts, { reference = newId('wd') } = {}) {
      const amount = String(amounts.reduce((sum, each) => sum + Number(each), 0));
      const payee = await user(ours.key);
      await post(`/users/${payee}/credit`, { amount, currency: 'INR', externalId: newId('ext') }, ours.key);
      const order = { userId: payee, amount, currency: 'INR', reference, payee: { type: 'upi', upiId: 'asha.k@okhdfc' } };
      const { body } = await post('/instant-payouts', { ...order, batches: amounts }, ours.key);
      return { id: body.id, payee, reference, batches: body.batches.map(({ id }: { id: string }) => id) };
    },
    async claim(batchId) {
      const payer = await user(theirs.key);
      return (await post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer }, theirs.key)).body.payinId;
    },
    async prove(batchId, form = {}) {
      const { body, headers } = await formOf({ image: await screenshot(), utr: newUtr(), ...form });
      const said = { key: theirs.key, body, headers, idempotencyKey: newId('k') };
      return await door.call('POST', `/api/v1/instant-payouts/batches/${batchId}/screenshot`, said);
    },
    look: (path, role = 'operator') => door.call('GET', `/api/admin/instant-payouts${path}`, { key: keys[role] }),
    act: (path, body, role = 'operator') =>
      door.call('POST', `/api/admin/instant-payouts${path}`, { key: keys[role], ...(body !== undefined && { body }) }),
    async stop() {
      await door.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
