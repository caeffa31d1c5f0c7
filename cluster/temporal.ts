/** A Temporal cluster on one machine: servers that run all four services each, with one PostgreSQL and one ring. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Home } from '../src/local/home.ts';
import { SEARCH_ATTRIBUTES } from '../src/temporal/rules/searchAttributes.ts';
import type { TemporalBinaries } from './binaries.ts';
import { type Member, member } from './processes.ts';

const exec = promisify(execFile);

const SHARDS = 512; // as a cluster has them: fixed for the life of its database
const TYPE_NAMES: Readonly<Record<string, string>> = { KEYWORD: 'Keyword', INT: 'Int', BOOL: 'Bool' };

/** Two ports a service: for calls, and for the ring. */
export interface ServerPorts {
  readonly frontend: readonly [number, number];
  readonly history: readonly [number, number];
  readonly matching: readonly [number, number];
  readonly worker: readonly [number, number];
}

/** With the folder of its schema. */
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;
export const TEMPORAL_DATABASES = Object.keys(DATABASES);

export async function createDatabases(binaries: TemporalBinaries, postgresPort: number): Promise<void> {
  for (const [database, folder] of Object.entries(DATABASES)) {
    const tool = sqlTool(binaries, postgresPort, database);
    await tool('create');
    await tool('setup-schema', '-v', '0.0');
    await tool('update-schema', '-d', join(binaries.schema, folder, 'versioned'));
  }
}

export async function dropDatabases(binaries: TemporalBinaries, postgresPort: number): Promise<void> {
  for (const database of TEMPORAL_DATABASES) await sqlTool(binaries, postgresPort, database)('drop', '--force');
}

const sqlTool =
  ({ sqlTool }: TemporalBinaries, port: number, database: string) =>
  async (...args: string[]) => {
    const server = ['--plugin', 'postgres12', '--ep', '127.0.0.1', '-p', String(port), '-u', 'postgres', '--pw', 'none'];
    await exec(sqlTool, [...server, '--db', database, ...args]);
  };

export function temporalServer(
  name: string,
  { server }: TemporalBinaries,
  cli: string,
  home: Home,
  postgresPort: number,
  ports: ServerPorts,
): Member {
  const dynamic = home.file('dynamic.yaml');
  writeFileSync(dynamic, 'matching.enableFairness:\n  - value: true\n');
  const config = home.file(`${name}.yaml`);
  writeFileSync(config, JSON.stringify(configOf(postgresPort, ports, dynamic), null, 2)); // JSON is YAML
  const asked = ['--address', addressOf(ports), 'operator', 'cluster', 'health'];
  return member(home, name, {
    command: server,
    args: ['--config-file', config, '--allow-no-auth', 'start'],
    env: process.env,
    isWell: async () => await exec(cli, asked, { timeout: 5_000 }).then(() => true),
  });
}

function configOf(postgresPort: number, ports: ServerPorts, dynamic: string) {
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `127.0.0.1:${postgresPort}`,
      connectProtocol: 'tcp',
      user: 'postgres',
      password: 'none', // the embedded PostgreSQL trusts its own machine
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const service = ([grpcPort, membershipPort]: readonly [number, number]) => ({
    rpc: { grpcPort, membershipPort, bindOnLocalHost: true },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: SHARDS,
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 5) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: {
      frontend: service(ports.frontend),
      history: service(ports.history),
      matching: service(ports.matching),
      worker: service(ports.worker),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${ports.frontend[0]}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamic, pollInterval: '10s' },
  };
}

export const addressOf = ({ frontend }: ServerPorts): string => `127.0.0.1:${frontend[0]}`;

/** A namespace that was just made is not known to every server at once. */
const KNOWN_WITHIN_MS = 30_000;

export async function createNamespace(cli: string, address: string): Promise<void> {
  const operator = async (...args: string[]) => await exec(cli, ['--address', address, 'operator', ...args], { timeout: 30_000 });
  await operator('namespace', 'create', '-n', 'default', '--retention', '72h');
  const attributes = SEARCH_ATTRIBUTES.flatMap(({ name, type }) => ['--name', name, '--type', TYPE_NAMES[type] ?? 'Keyword']);
  const deadline = performance.now() + KNOWN_WITHIN_MS;
  for (;;) {
    try {
      await operator('search-attribute', 'create', '-n', 'default', ...attributes);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
