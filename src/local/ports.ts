/** The ports of a local installation, each moved by a variable. */
import { createServer } from 'node:net';
import type { Ports } from './home.ts';

const PORT_VARIABLES = {
  api: ['PORT', 3000],
  temporal: ['TEMPORAL_PORT', 7233],
  temporalUi: ['TEMPORAL_UI_PORT', 8233],
  postgres: ['PG_PORT', 5433], // not 5432, where a PostgreSQL of the machine's own would be
  sandbox: ['SANDBOX_PORT', 3001],
  flutterwave: ['FLUTTERWAVE_SIM_PORT', 3003],
  worker: ['WORKER_PORT', 3002],
} as const satisfies Record<keyof Ports, readonly [string, number]>;

/** @throws a sentence that names the port and its variable. */
export async function portsOf(env: Readonly<Record<string, string | undefined>>): Promise<Ports> {
  const ports = Object.fromEntries(
    Object.entries(PORT_VARIABLES).map(([name, [variable, byDefault]]) => {
      const text = env[variable] || String(byDefault);
      const port = /^\d{1,5}$/.test(text) ? Number.parseInt(text, 10) : 0;
      if (port < 1 || port > 65_535) throw new Error(`${variable} must be a port between 1 and 65535, not "${text}".`);
      return [name, port];
    }),
  ) as unknown as Ports;
  const taken = new Map<number, string>();
  for (const [name, [variable]] of Object.entries(PORT_VARIABLES)) {
    const port = ports[name as keyof Ports];
    const other = taken.get(port);
    if (other) throw new Error(`${variable} and ${other} both name port ${port}; give each its own.`);
    taken.set(port, variable);
    const problem = await problemWith(port);
    if (problem) throw new Error(`Port ${port} ${problem}; set ${variable} to another one.`);
  }
  return ports;
}

async function problemWith(port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${code})`),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}
