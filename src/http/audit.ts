/** Who did what on the admin side: one row for every action that was done or decided. Append only. */
import type { FastifyRequest } from 'fastify';
import type { Prisma } from '../generated/prisma/client.ts';
import { adminOf } from './caller.ts';
import type { ApiContext } from './context.ts';

export interface AuditNote {
  /** `payout.approve`, `merchant.create`, … */
  readonly action: string;
  /** The id of what it was done to. */
  readonly target: string;
  /** What was asked and what came of it. Never a secret. */
  readonly data?: Prisma.InputJsonObject;
}

export async function writeAudit(db: Prisma.TransactionClient, request: FastifyRequest, note: AuditNote): Promise<void> {
  const { action, target, data = {} } = note;
  await db.auditEntry.create({ data: { adminId: adminOf(request).adminId, action, target, requestId: request.id, data } });
}

/** Does something and writes it down, or what came of it: both, or neither. */
export async function audited<T>(
  { prisma }: ApiContext,
  request: FastifyRequest,
  note: AuditNote | ((result: T) => AuditNote),
  work: (db: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  return await prisma.$transaction(async (db) => {
    const result = await work(db);
    await writeAudit(db, request, typeof note === 'function' ? note(result) : note);
    return result;
  });
}
