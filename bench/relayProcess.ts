/**
 * The relay as a process of its own, with what a worker gives it (src/worker/relay.ts) and no Temporal around it: whoever
 * sends and whoever receives then do not share one event loop.
 */
import { randomUUID } from 'node:crypto';
import { parseKeys } from '../src/crypto/secretBox.ts';
import { createPool } from '../src/db/pool.ts';
import { createRelayBooks } from '../src/relay/books.ts';
import { createBell } from '../src/relay/loop.ts';
import { createRelay, type Part } from '../src/relay/relay.ts';
import { createSender } from '../src/relay/sender.ts';
import { createWebhooks, LEASE_MS } from '../src/relay/webhooks.ts';
import { createLog } from '../src/worker/log.ts';

/** As a worker's (src/worker/main.ts). */
const POOL = 3;
/** The default of WEBHOOK_TIMEOUT, and the most that it may be. */
const SEND_MS = 15_000;

async function main(databaseUrl: string, encryptionKeys: string): Promise<void> {
  const stopping = new AbortController();
  for (const end of ['SIGTERM', 'disconnect']) process.once(end, () => stopping.abort());
  const log = createLog('warn');
  const pool = createPool({ url: databaseUrl, max: POOL, applicationName: 'oncepay relay' });
  const parts = (): readonly Part[] => {
    const bell = createBell();
    const webhooks = createWebhooks({
      books: createRelayBooks(pool, randomUUID(), LEASE_MS),
      send: createSender({ keys: parseKeys(encryptionKeys), timeoutMs: SEND_MS, allowLoopbackTest: true }),
      sendMs: SEND_MS,
      bell,
      onTried: () => undefined,
      onOurTrouble: (error, { id }) => log.error({ err: error, delivery: id }, 'a webhook could not be tried'),
    });
    return [{ work: webhooks, bell }];
  };
  process.send?.('ready');
  await createRelay(databaseUrl, parts, log).run(stopping.signal, () => undefined);
  await pool.end();
  process.exit();
}

const [, script = '', databaseUrl, encryptionKeys] = process.argv;
if (script.endsWith('relayProcess.js') && databaseUrl && encryptionKeys) await main(databaseUrl, encryptionKeys);
