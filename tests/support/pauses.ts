/** Pauses as the books have them, for tests that need no door. */
import type { Sql } from '../../src/db/pool.ts';
import { newId } from '../../src/rules/newId.ts';

export type PauseOver = readonly [kind: 'all'] | readonly [kind: 'psp' | 'merchant' | 'flow', name: string];

/** @param until when it ends by itself. @returns its id. */
export async function beginPause(sql: Sql, [kind, name = '']: PauseOver, until: Date | null = null): Promise<string> {
  const id = newId('pau');
  await sql.query('SELECT begin_pause($1, $2, $3, $4, $5, $6)', [id, kind, name, 'an incident', until, 'adm_1']);
  return id;
}

export async function endPause(sql: Sql, id: string): Promise<void> {
  await sql.query('SELECT end_pause($1, $2)', [id, 'adm_1']);
}
