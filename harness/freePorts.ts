/** Ports for processes that must be told theirs before they start. */
import { createServer } from 'node:net';

/**
 * Below the range from which systems take the ports of outgoing connections (Linux: from 32768): one that was free a
 * moment ago would now and then be taken before its process listens. Temporal's ring keeps its ports in a smallint, too.
 */
const HIGHEST = 32_767;
const LOWEST = 15_000;

/** Free ones, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
