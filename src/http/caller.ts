/** Who is asking. Set by the hooks of plugins/auth.ts; routes behind them read it through `merchantOf`, `providerOf` or `adminOf`. */
import type { FastifyRequest } from 'fastify';
import type { PageClaim } from '../crypto/pageToken.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import type { Flows } from '../rules/flows.ts';
import type { Owner } from '../rules/owner.ts';
import type { Role } from '../rules/roles.ts';

export interface MerchantCaller {
  readonly kind: 'merchant';
  readonly merchantId: string;
  readonly mode: Mode;
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** The admin who issued the key: may not approve what it makes. */
  readonly makerId: string | null;
  /** `merchants.fee` and `merchants.review_limits`, as stored. */
  readonly fee: unknown;
  readonly reviewLimits: unknown;
  /** Which flows it may begin. */
  readonly flows: Flows;
}

/** Somebody who earns at a merchant's platform. Sees nothing but their own. */
export interface ProviderCaller {
  readonly kind: 'provider';
  readonly providerId: string;
  /** The platform. */
  readonly merchantId: string;
  readonly mode: Mode;
  readonly keyId: string;
  /** The admin who issued the merchant's key that made this key: may not approve what it asks for. */
  readonly makerId: string | null;
  /** `merchants.fee` of the platform, as stored. */
  readonly fee: unknown;
}

export interface AdminCaller {
  readonly kind: 'admin';
  readonly adminId: string;
  readonly keyId: string;
  readonly role: Role;
  readonly name: string;
}

export type Caller = MerchantCaller | ProviderCaller | AdminCaller;

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
    /** Of a live stream that is one user's of the caller: nothing else may be shown. */
    streamUserId: string | undefined;
    /** Of a hosted page: whose it is, and the one thing that it is about. Nothing else may be shown or done. */
    page: PageClaim | undefined;
  }
}

/** @throws if the route has no merchantAuth hook: a mistake in our code. */
export function merchantOf(request: FastifyRequest): MerchantCaller {
  if (request.caller?.kind !== 'merchant') throw new Error(`${request.routeOptions.url} is not behind merchantAuth`);
  return request.caller;
}

/** @throws if the route has no pageAuth hook: a mistake in our code. */
export function pageOf({ page, routeOptions }: FastifyRequest): PageClaim {
  if (!page) throw new Error(`${routeOptions.url} is not behind pageAuth`);
  return page;
}

/** @throws if the route has no providerAuth hook: a mistake in our code. */
export function providerOf(request: FastifyRequest): ProviderCaller {
  if (request.caller?.kind !== 'provider') throw new Error(`${request.routeOptions.url} is not behind providerAuth`);
  return request.caller;
}

/** @throws if the route has no adminAuth hook: a mistake in our code. */
export function adminOf(request: FastifyRequest): AdminCaller {
  if (request.caller?.kind !== 'admin') throw new Error(`${request.routeOptions.url} is not behind adminAuth`);
  return request.caller;
}

/** Whoever asks, as an owner. */
export function ownerOf(caller: Caller): Owner {
  switch (caller.kind) {
    case 'merchant':
      return { kind: 'merchant', id: caller.merchantId };
    case 'provider':
      return { kind: 'provider', id: caller.providerId };
    case 'admin':
      return { kind: 'admin', id: caller.adminId };
  }
}

/** As the audience of events names whoever asks. */
export const seerOf = (caller: MerchantCaller | ProviderCaller) => ({
  kind: caller.kind,
  id: ownerOf(caller).id,
  mode: caller.mode,
});

export const tenantOf = ({ merchantId, mode }: MerchantCaller) => ({ merchantId, mode });
