/** What every route works with. Made once, in server.ts. */
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import type { KeyRing } from '../crypto/secretBox.ts';
import type { InLine } from '../db/lines.ts';
import type { GamesClient } from '../games/client.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { ImageStore } from '../instant/images/store.ts';
import type { InstantClient } from '../instant/rules/contract.ts';
import type { LedgerReads } from '../ledger/reads.ts';
import type { MarketsClient } from '../markets/client.ts';
import type { PausesClient } from '../pauses/client.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import type { PayoutRunsClient } from '../providers/runsClient.ts';
import type { PspRegistry } from '../psp/registry.ts';

export interface ApiContext {
  readonly config: Config;
  readonly pool: Pool;
  /** For calls that many make about one subject: it holds but a part of the pool. */
  readonly inLine: InLine;
  /** Reads by model; on the same pool. */
  readonly prisma: PrismaClient;
  /** Money moves through use cases and workflows alone. */
  readonly ledger: LedgerReads;
  readonly payouts: PayoutsClient;
  readonly payoutRuns: PayoutRunsClient;
  readonly games: GamesClient;
  readonly markets: MarketsClient;
  readonly pauses: PausesClient;
  readonly instant: InstantClient;
  /** Screenshots. */
  readonly images: ImageStore;
  readonly psps: PspRegistry;
  /** Encrypts and decrypts secrets at rest. */
  readonly keys: KeyRing;
  /** Rejects when Temporal does not answer at once; for /health. */
  readonly pingTemporal: () => Promise<void>;
}
