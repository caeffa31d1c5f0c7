/** The sandbox's API: what a customer with a key can ask. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CALLBACK_AFTER_MS } from '../simulator/callbacks.ts';
import type { Target } from '../simulator/faults.ts';
import { addGate, textIn } from '../simulator/gate.ts';
import { Refusal, readBy } from '../simulator/refusal.ts';
import type { Desk } from '../simulator/server.ts';
import type { Transfer } from '../simulator/transfer.ts';
import { RETURNED_BY_BANK, scriptOf, verdictOn } from './scenarios.ts';
import * as wire from './wire.ts';

export function pspRoutes(
  app: FastifyInstance,
  { pool, book, expect }: Desk<wire.WireDestination>,
  { apiKey, returnAfterMs }: { apiKey: string; returnAfterMs: number | undefined },
): void {
  const refusesResendWith = 'name enquiry failed';
  const gate = addGate(app, { pool, book, apiKey, prefix: '', targetOf, refusesResendWith, returnReason: RETURNED_BY_BANK });

  async function targetOf(request: FastifyRequest): Promise<Target> {
    if (request.method !== 'GET') {
      return {
        type: request.url.startsWith('/transfers') ? 'ask' : 'other',
        reference: textIn(request.body, 'reference'),
        accountNumber: textIn(request.body, 'destination', 'accountNumber'),
        amount: textIn(request.body, 'amount'),
      };
    }
    const { reference, id } = request.params as { reference?: string; id?: string };
    const found = reference !== undefined ? await book.find('reference', reference) : await book.find('id', id ?? '');
    return {
      type: 'lookUp',
      reference: found?.reference ?? reference ?? null,
      accountNumber: found?.destination.accountNumber ?? null,
      amount: found?.amount ?? null,
    };
  }

  app.post('/transfers', async (request, reply) => {
    const order = readBy(wire.transferRequest, request.body);
    const script = gate.fate(request, scriptOf(order.destination.accountNumber, order.reference, returnAfterMs));
    const acceptance = await book.accept(order, { script, fee: '0', amountFault: gate.amountFault(request) });
    const isNew = acceptance.outcome === 'new';
    if (isNew) expect(CALLBACK_AFTER_MS);
    if (await gate.isSpoilt(request, reply, script.answers || !isNew)) return reply;
    if (acceptance.outcome === 'reused') throw new Refusal(409, 'reference_reused', 'this reference stands for another transfer');
    return reply.code(isNew ? 201 : 200).send(shown(acceptance.transfer));
  });

  app.get<{ Params: { reference: string } }>('/transfers/by-reference/:reference', async (request) => {
    return told(request, await book.find('reference', request.params.reference));
  });

  app.get<{ Params: { id: string } }>('/transfers/:id', async (request) => {
    return told(request, await book.find('id', request.params.id));
  });

  app.post('/accounts/verify', async (request) => {
    return verdictOn(readBy(wire.verifyRequest, request.body).destination.accountNumber);
  });

  const told = (request: FastifyRequest, found: Transfer<wire.WireDestination> | undefined): wire.Transfer =>
    shown((found && gate.told(request, found)) ?? noTransfer());
}

function noTransfer(): never {
  throw new Refusal(404, 'not_found', 'no such transfer');
}

function shown(transfer: Transfer<wire.WireDestination>): wire.Transfer {
  const { id, reference, status, reason, amount, currency, destination, createdAt, updatedAt } = transfer;
  return { id, reference, status, reason, amount, currency, destination, createdAt, updatedAt };
}
