/**
 * Who may decide, asked of the books when it is decided, whatever the way in: HTTP has checked it already and gives the earlier
 * answer; a signal, or an order that somebody kept, was checked by nobody.
 */
import type { Pool } from 'pg';
import { mayAct, type Role } from '../src/rules/roles.ts';

const ADMIN = { name: 'admin_role', text: 'SELECT role FROM admins WHERE id = $1 AND active' };

/** Is there an admin of this id, who has not left, and may do what needs at least this role? */
export async function mayDecide(pool: Pool, adminId: string, needed: Role): Promise<boolean> {
  const { rows } = await pool.query<{ role: string }>({ ...ADMIN, values: [adminId] });
  return rows[0] !== undefined && mayAct(rows[0].role, needed);
}
