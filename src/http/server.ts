/** The API as a process: its connections, its port and its end. */
import type { Config } from '../config.ts';
import { parseKeys } from '../crypto/secretBox.ts';
import { createLines } from '../db/lines.ts';
import { createPool } from '../db/pool.ts';
import { createPrisma } from '../db/prisma.ts';
import { createGamesClient } from '../games/client.ts';
import { createInstantClient } from '../instant/client.ts';
import { createImageStore } from '../instant/images/place.ts';
import { createLedgerReads } from '../ledger/reads.ts';
import { createMarketsClient } from '../markets/client.ts';
import { createPausesClient } from '../pauses/client.ts';
import { createPayoutsClient } from '../payouts/client.ts';
import { createPayoutRunsClient } from '../providers/runsClient.ts';
import { createPspRegistry } from '../psp/registry.ts';
import { connectTemporal } from '../temporal/client.ts';
import { FULL } from '../temporal/signals.ts';
import { buildApp } from './app.ts';

/** A health check must not hang on a server that is gone. */
const PING_MS = 1_000;

export interface Api {
  readonly url: string;
  /** Answers what has begun, takes nothing new, lets every connection go. */
  close(): Promise<void>;
}

/** Listens once this resolves. It starts without PostgreSQL and without Temporal: until they are there it answers 503. */
export async function startApi(config: Config): Promise<Api> {
  const pool = createPool({ url: config.databaseUrl, max: config.databasePool, applicationName: 'oncepay-api' });
  const temporal = connectTemporal(config);
  const psps = createPspRegistry(config.psps);
  const prisma = createPrisma(pool);
  const { client } = temporal;
  const app = await buildApp({
    config,
    pool,
    inLine: createLines({ connections: config.databasePool }),
    prisma,
    ledger: createLedgerReads(pool),
    payouts: createPayoutsClient(client, config, (workflowId) => app.log.error({ workflowId }, FULL)),
    payoutRuns: createPayoutRunsClient(client),
    games: createGamesClient(client, (workflowId) => app.log.error({ workflowId }, FULL)),
    markets: createMarketsClient(client, config, (workflowId) => app.log.error({ workflowId }, FULL)),
    pauses: createPausesClient(client),
    instant: createInstantClient(client, (workflowId) => app.log.error({ workflowId }, FULL)),
    images: createImageStore(config.proofs),
    psps,
    keys: parseKeys(config.encryptionKeys),
    pingTemporal: async () => {
      await client.withDeadline(Date.now() + PING_MS, () => client.workflowService.getSystemInfo({}));
    },
  });

  async function close(): Promise<void> {
    await app.close();
    await Promise.all([psps.close(), temporal.close(), prisma.$disconnect()]);
    await pool.end();
  }

  try {
    const url = await app.listen({ host: config.host, port: config.port });
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
