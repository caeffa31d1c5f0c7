/** What a PSP told us, as admins read it. */
import type { z } from 'zod';
import type { PspMessage } from '../generated/prisma/client.ts';
import { withoutAccountNumbers } from '../http/masking.ts';
import type { messageSchema } from './schemas.ts';

export function presentMessage(message: PspMessage): z.infer<typeof messageSchema> {
  const { id, psp, eventKey, reference, payoutId, attempt, claim, state, detail, body, receivedAt, handledAt } = message;
  return {
    ...{ id, psp, eventKey, reference, payoutId, attempt, claim, state, detail },
    object: 'psp_message',
    body: withoutAccountNumbers(body),
    receivedAt: receivedAt.toISOString(),
    handledAt: handledAt?.toISOString() ?? null,
  };
}
