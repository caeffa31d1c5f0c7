/** Who did what: one row for every action of an admin, and for what a merchant does about its own keys. Append only. */
import type { FastifyRequest } from 'fastify';
import type { Prisma } from '../generated/prisma/client.ts';
import { adminOf, merchantOf } from './caller.ts';
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
  await db.auditEntry.create({ data: { adminId: whoOf(request), action, target, requestId: request.id, data } });
}

const whoOf = (request: FastifyRequest): string =>
  request.caller?.kind === 'merchant' ? merchantOf(request).merchantId : adminOf(request).adminId;

/** Does something and writes it down, or what came of it: both, or neither. Where nothing came of it there may be nothing to write. */
export async function audited<T>(
  { prisma }: ApiContext,
  request: FastifyRequest,
  note: AuditNote | ((result: T) => AuditNote | undefined),
  work: (db: Prisma.TransactionClient) => Promise<T>,
): Promise<T> {
  return await prisma.$transaction(async (db) => {
    const result = await work(db);
    const written = typeof note === 'function' ? note(result) : note;
    if (written) await writeAudit(db, request, written);
    return result;
  });
}
