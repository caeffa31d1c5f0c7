/** The API alone, without Temporal's part: an authenticated read, and a POST that was answered before (autocannon). */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installation } from '../harness/installation.ts';

export interface Answered {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly non2xx: number;
}

export interface DoorResult {
  readonly get: Answered;
  readonly post: Answered;
}

const CONNECTIONS = 50;

export async function measureDoor(seconds: number, say: (line: string) => void): Promise<DoorResult> {
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  try {
    const body = JSON.stringify({
      amount: '1.00',
      currency: 'PKR',
      reference: 'bench',
      destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001' },
    });
    const { body: payout } = await here.call<{ id: string }>('POST', '/api/v1/payouts', { body, idempotencyKey: 'bench' });
    const headers = ['-H', `x-api-key: ${here.credentials.merchants[0]?.testKey}`];
    const get = await cannon([...headers, `${here.credentials.baseUrl}/api/v1/payouts/${payout.id}`], seconds);
    const again = ['-H', 'x-idempotency-key: bench', '-H', 'content-type: application/json', '-m', 'POST', '-b', body];
    const post = await cannon([...headers, ...again, `${here.credentials.baseUrl}/api/v1/payouts`], seconds);
    say(`API: GET ${get.perSecond.toFixed(0)}/s, POST ${post.perSecond.toFixed(0)}/s`);
    return { get, post };
  } finally {
    await here.remove();
  }
}

interface Cannon {
  readonly requests: { readonly average: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly non2xx: number;
}

async function cannon(args: string[], seconds: number): Promise<Answered> {
  const command = [
    join('node_modules', 'autocannon', 'autocannon.js'),
    '-j',
    '-n',
    '-c',
    String(CONNECTIONS),
    '-d',
    String(seconds),
  ];
  const child = spawn(process.execPath, [...command, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const { requests, latency, non2xx } = JSON.parse(out) as Cannon;
  return { perSecond: requests.average, p50: latency.p50, p99: latency.p99, non2xx };
}
