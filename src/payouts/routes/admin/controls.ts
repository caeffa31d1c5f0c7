/** What operators do to a payout that is under way: send it now, look it up now, stop waiting, or have another PSP pay it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../../http/context.ts';
import { word } from '../../../http/documented.ts';
import { decisionsOn, remark } from './decision.ts';

const why = { reason: remark.optional() };
const reasoned = z.strictObject(why).nullish();
const routing = z.strictObject({ psp: word.meta({ description: 'Its name, as in `GET /psps`' }), ...why });

export function controlRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    const decision = decisionsOn(app, context);
    decision(
      'send-now',
      'Send it without waiting for its time or a run; a pause holds all the same',
      reasoned,
      (body, adminId) => ({
        type: 'hurried',
        adminId,
        note: body?.reason ?? null,
      }),
    );
    decision('look-up-now', 'Ask the PSP now what became of it', reasoned, (body, adminId) => ({
      type: 'look_up_asked',
      adminId,
      note: body?.reason ?? null,
    }));
    decision('give-up', 'Wait for the PSP no longer: an operator finds out, and resolves it', reasoned, (body, adminId) => ({
      type: 'given_up',
      adminId,
      note: body?.reason ?? null,
    }));
    decision(
      'route',
      'Have another PSP pay it: 409 `attempt_alive` unless all that was ever sent is proven dead',
      routing,
      ({ psp, reason = null }, adminId) => ({ type: 'routed', adminId, psp, note: reason }),
    );
  };
}
