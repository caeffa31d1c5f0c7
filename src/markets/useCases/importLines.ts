/**
 * Commitments that come as a stream: taken in some hundred at a time, each once by its key, so that a stream which broke is sent
 * again from anywhere. What one line has wrong is that line's alone.
 */
import { createHash } from 'node:crypto';
import type { Sql } from '../../db/pool.ts';
import type { Line } from '../../http/ndjson.ts';
import { type ImportLine, importStakes } from '../../ledger/postings.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import type { WholeMarket } from '../present/market.ts';
import { placeOf, readLine } from '../rules/importLine.ts';

/** Some 500 commitments are a tenth of a second: whoever follows events is not held back, nor a single stake. */
const STEP = 500;

export type Imported = 'taken_in' | 'market_closed' | 'paused';

/** @throws what `lines` throws where it breaks off: what was taken in until then stays. */
export async function importLines(
  { pool }: { readonly pool: Sql },
  { importId, market, ...tenant }: Tenant & { readonly importId: string; readonly market: WholeMarket },
  lines: AsyncIterable<Line>,
): Promise<Imported> {
  for await (const some of inSteps(lines)) {
    const { outcome } = await importStakes(pool, { ...tenant, importId, lines: some.map((line) => toImport(line, market)) });
    if (outcome !== 'taken_in') return outcome;
  }
  return 'taken_in';
}

async function* inSteps(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let some: Line[] = [];
  for await (const line of lines) {
    some.push(line);
    if (some.length < STEP) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function toImport(line: Line, market: WholeMarket): ImportLine {
  const place = { line: line.line };
  if (!line.ok) return { ...place, key: placeOf(line.line, markOf(line.content)), code: line.code, detail: line.detail };
  const { ok, ...read } = readLine(line.said, market);
  if (!('code' in read)) return { ...place, ...read, commitmentId: newId('com') };
  return { ...place, ...read, key: read.key ?? placeOf(line.line, markOf(JSON.stringify(line.said))) };
}

/** Of two lines at one place, two marks; long enough that no two meet by chance. */
const markOf = (content: string | Buffer | number): string =>
  typeof content === 'number' ? `${content}` : createHash('sha256').update(content).digest('hex').slice(0, 32);
