/** A route by which a person decides something of a payout: asked of its workflow, once for its key, and written down. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { KEY_NEEDED, writeAnswers } from '../../../http/answers.ts';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, noQuery } from '../../../http/documented.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { decidedAnswer, wordOf } from '../../answers.ts';
import { presentPayout } from '../../present/payout.ts';
import { payoutSchema } from '../../present/schemas.ts';
import type { Command } from '../../rules/contract.ts';
import { type Decided, decide } from '../../useCases/decide.ts';

export const REMARK_MAX = 500;
export const remark = plainText(1, REMARK_MAX);

/** Each is the last part of its path, the name of its role's line, and of its audit entry. */
type DecisionName =
  | 'approve' | 'reject' | 'hold' | 'release' | 'resolve' | 'acknowledge'
  | 'send-now' | 'look-up-now' | 'give-up' | 'route'; // biome-ignore format: a list

/** @returns what adds such a route. */
export const decisionsOn =
  (app: Parameters<FastifyPluginAsyncZod>[0], context: ApiContext) =>
  <Body extends z.ZodType>(
    name: DecisionName,
    summary: string,
    body: Body,
    commandOf: (body: z.output<Body>, adminId: string) => Command,
  ) =>
    app.post(
      `/payouts/:id/${name}`,
      {
        onRequest: adminAuth(context, ACTION_ROLES[name]),
        schema: {
          params: byId,
          querystring: noQuery,
          body,
          summary,
          tags: ['admin'],
          security: KEY_NEEDED,
          response: writeAnswers(
            { 200: payoutSchema, 202: payoutSchema.describe('Taken in; it counts as soon as a worker takes it up') },
            404,
          ),
        },
      },
      async (request, reply) => {
        const { adminId } = adminOf(request);
        const command = commandOf(request.body as z.output<Body>, adminId);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('upd'),
          async execute(updateId) {
            const payoutId = request.params.id;
            const decided = await decide(context, payoutId, command, updateId);
            await note(context, request, { name, payoutId, command, decided });
            return decidedAnswer(decided, (payout) => ({ status: 200, body: presentPayout(payout) }));
          },
          presentPending: (payout) => ({ status: 202, body: presentPayout(payout) }),
        });
      },
    );

interface Noted {
  readonly name: DecisionName;
  readonly payoutId: string;
  readonly command: Command;
  readonly decided: Decided;
}

/** Decided or refused, it is in the audit log; what never came to an answer is not, nor what is asked of no payout. */
async function note(context: ApiContext, request: FastifyRequest, { name, payoutId, command, decided }: Noted): Promise<void> {
  if (decided.outcome === 'unknown_payout') return;
  const { type: _, ...data } = command;
  const outcome = wordOf(decided);
  await writeAudit(context.prisma, request, { action: `payout.${name}`, target: payoutId, data: { ...data, outcome } });
}
