/** What the use cases of payouts ask of the world: what a route's context has, and an activity's ports could. */
import type { Pool } from 'pg';
import type { LedgerReads } from '../../ledger/reads.ts';
import type { PspRegistry } from '../../psp/registry.ts';
import type { PayoutsClient } from '../client.ts';

export interface PayoutPorts {
  readonly pool: Pool;
  readonly ledger: LedgerReads;
  readonly payouts: PayoutsClient;
  readonly psps: Pick<PspRegistry, 'forPayout' | 'byName'>;
}
