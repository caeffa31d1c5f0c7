/** A pause as operators read it. */
import { z } from 'zod';
import { timeSchema } from '../../http/schemas.ts';
import { type PauseRecord, SCOPE_KINDS } from '../rules/pause.ts';

export const pauseSchema = z
  .object({
    id: z.string(),
    object: z.literal('pause'),
    scope: z.object({
      kind: z.enum(SCOPE_KINDS),
      name: z.string().nullable().meta({ description: 'Of a PSP, merchant or flow; null: everything' }),
    }),
    status: z.enum(['holding', 'ended']),
    reason: z.string(),
    createdBy: z.string(),
    createdAt: timeSchema,
    until: timeSchema.nullable().meta({ description: 'When it ends by itself; null: it must be resumed' }),
    resumedBy: z.string().nullable(),
    resumedAt: timeSchema.nullable(),
  })
  .meta({ id: 'Pause' });

export function presentPause({ id, scopeKind, scopeName, holds, ...pause }: PauseRecord) {
  return {
    id,
    object: 'pause' as const,
    scope: { kind: scopeKind, name: scopeKind === 'all' ? null : scopeName },
    status: holds ? ('holding' as const) : ('ended' as const),
    reason: pause.reason,
    createdBy: pause.createdBy,
    createdAt: pause.createdAt.toISOString(),
    until: pause.until?.toISOString() ?? null,
    resumedBy: pause.resumedBy,
    resumedAt: pause.resumedAt?.toISOString() ?? null,
  };
}
