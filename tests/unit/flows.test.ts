/** Which flows a merchant may begin. */
import { expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MerchantCaller } from '../../src/http/caller.ts';
import { flowOn } from '../../src/http/plugins/auth.ts';
import { FLOWS, readFlows } from '../../src/rules/flows.ts';

const all = { games: true, markets: true, instant: true };

test('a flow is on unless it was switched off, also one that is younger than the merchant', () => {
  expect(readFlows({})).toEqual(all);
  expect(readFlows({ games: false })).toEqual({ ...all, games: false });
  expect(readFlows({ games: false, instant: true, lottery: false })).toEqual({ ...all, games: false });
  for (const broken of [null, undefined, 'games', ['games']]) expect(readFlows(broken)).toEqual(all);
});

test('what begins something of a flow that is off is answered 403 flow_disabled, and of one that is on goes through', async () => {
  const ask = async (flow: (typeof FLOWS)[number], flows: MerchantCaller['flows']) =>
    await flowOn(flow)({ caller: { kind: 'merchant', flows } } as FastifyRequest, {} as FastifyReply);
  for (const flow of FLOWS) {
    await expect(ask(flow, all)).resolves.toBeUndefined();
    await expect(ask(flow, { ...all, [flow]: false })).rejects.toMatchObject({ status: 403, code: 'flow_disabled' });
  }
});

test('a route that asks for a flow without knowing the merchant is our mistake, and lets nobody through', async () => {
  const request = { caller: undefined, routeOptions: { url: '/x' } } as unknown as FastifyRequest;
  await expect(flowOn('games')(request, {} as FastifyReply)).rejects.toThrow('not behind merchantAuth');
});
