/** What a tester may ask of the Flutterwave simulator besides what every simulator answers: what a person does in the dashboard. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refusal, readBy } from '../simulator/refusal.ts';
import type { Desk } from '../simulator/server.ts';
import type { Account } from './pspRoutes.ts';
import { scriptOf, TEXTS, type Times } from './scenarios.ts';
import { balances, requiresApproval, setBalance, setRequiresApproval } from './wallet.ts';

const balanceRequest = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, 'three capital letters'),
  available: z.string().regex(/^-?(0|[1-9]\d{0,17})(\.\d{1,3})?$/, 'a decimal string such as "1500.00"'),
});
const settingsRequest = z.strictObject({ requiresApproval: z.boolean() });

export function controlRoutes(app: FastifyInstance, { pool, book, expect }: Desk<Account>, times: Times): void {
  app.get('/balances', async () => ({ data: await balances(pool) }));

  app.put('/balances', async (request) => {
    const { currency, available } = readBy(balanceRequest, request.body);
    await setBalance(pool, currency, available);
    return { currency, available };
  });

  app.get('/settings', async () => ({ requiresApproval: await requiresApproval(pool) }));

  app.put('/settings', async (request) => {
    const settings = readBy(settingsRequest, request.body);
    await setRequiresApproval(pool, settings.requiresApproval);
    return settings;
  });

  for (const decision of ['approve', 'reject'] as const) {
    app.post<{ Params: { reference: string } }>(`/transfers/:reference/${decision}`, async ({ params: { reference } }) => {
      const waiting = await book.find('reference', reference);
      if (waiting?.status !== 'held')
        throw new Refusal(404, 'not_found', 'no transfer waits for an approval under this reference');
      const { later } = scriptOf(waiting.destination.accountNumber, reference, times);
      expect(later[0]?.afterMs ?? 0);
      return decision === 'approve'
        ? await book.force(reference, { status: 'queued', reason: null, later })
        : await book.force(reference, { status: 'failed', reason: TEXTS.rejected, later: [] });
    });
  }
}
