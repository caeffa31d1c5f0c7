/** What a tester asks of a simulated PSP, whichever it is: its book, and how it is to behave. */

export interface Transfer {
  readonly reference: string;
  readonly amount: string;
  readonly status: string;
  readonly takenAt: string | null;
  readonly requests: number;
}

/** The simulator's own words. */
export class SimulatorRefusal extends Error {}

/** @param path below `/control/`. @throws SimulatorRefusal */
export async function askSimulator(url: string, path: string, body?: unknown, method = 'POST'): Promise<unknown> {
  const request =
    body === undefined ? { method } : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(`${url}/control/${path}`, { ...request, signal: AbortSignal.timeout(15_000) });
  if (answer.status >= 500) throw new Error(`the simulator is in trouble: ${answer.status}`);
  if (!answer.ok) throw new SimulatorRefusal(`${path}: ${await answer.text()}`);
  return await answer.json();
}

/** The PSP's own book: the witness that does not depend on what we believe. */
export async function transfersAt(url: string, prefix = ''): Promise<Transfer[]> {
  const found: Transfer[] = [];
  for (let cursor = ''; ; ) {
    const path = `transfers?reference=${prefix}&limit=1000${cursor && `&cursor=${cursor}`}`;
    const page = (await askSimulator(url, path, undefined, 'GET')) as { data: Transfer[]; nextCursor: string | null };
    found.push(...page.data);
    if (page.nextCursor === null) return found;
    cursor = page.nextCursor;
  }
}
