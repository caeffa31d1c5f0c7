/** For what no constraint can say, such as "at most so many": whoever does the same at the same moment waits for the end of this transaction. */
import type { Prisma } from '../generated/prisma/client.ts';

/** @param what is done by one at a time: each name has a lock of its own */
export async function oneAtATime(db: Prisma.TransactionClient, what: string): Promise<void> {
  await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${what}, 0))`;
}
