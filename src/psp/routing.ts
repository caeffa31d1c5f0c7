/** Which PSP pays which payouts: the lines of PSP_ROUTES. */
import type { Mode } from '../payouts/rules/contract.ts';
import { PAYOUT_KIND_NAMES, type PayoutKind } from '../payouts/rules/kinds.ts';
import { isCurrency } from '../rules/money.ts';

/** Those that there is a connector for. */
const PSP_NAMES = ['sandbox', 'flutterwave'] as const;
export type PspName = (typeof PSP_NAMES)[number];

const ANY = '*';

/** Whatever is not `*` must be the payout's. */
export interface PspRoute {
  readonly kind: PayoutKind | typeof ANY;
  readonly currency: string;
  readonly mode: Mode | typeof ANY;
  readonly psp: PspName;
}

/** Providers in naira by Flutterwave, all others by the sandbox, which takes every currency. */
export const DEFAULT_ROUTES: readonly PspRoute[] = [
  { kind: 'provider', currency: 'NGN', mode: ANY, psp: 'flutterwave' },
  { kind: ANY, currency: ANY, mode: ANY, psp: 'sandbox' },
];

/** `kind:currency:mode=psp`, several separated by commas. @returns why not, in words, where it is not that */
export function readRoutes(text: string): { readonly routes: readonly PspRoute[] } | { readonly fault: string } {
  const lines = text.split(',').map((line) => line.trim());
  const routes = lines.map(readRoute);
  const unread = lines.find((_, index) => routes[index] === undefined);
  if (unread !== undefined) return { fault: `must be kind:currency:mode=psp, several separated by commas, not "${unread}"` };
  return { routes: routes.filter((route) => route !== undefined) };
}

function readRoute(line: string): PspRoute | undefined {
  const [, kindText, currency = '', modeText, pspText] = /^([^:=]+):([^:=]+):([^:=]+)=([^:=]+)$/.exec(line) ?? [];
  const kind = [ANY, ...PAYOUT_KIND_NAMES].find((each) => each === kindText) as PspRoute['kind'] | undefined;
  const mode = ([ANY, 'test', 'live'] as const).find((each) => each === modeText);
  const psp = PSP_NAMES.find((each) => each === pspText);
  const isKnown = currency === ANY || isCurrency(currency);
  return kind !== undefined && mode !== undefined && psp !== undefined && isKnown ? { kind, currency, mode, psp } : undefined;
}

/**
 * The first that fits decides, whether or not there is an account for it: real money is refused where there is no PSP,
 * rather than sent by the next line to another one. Undefined: none fits.
 */
export function routeOf(
  routes: readonly PspRoute[],
  payout: { readonly kind: PayoutKind; readonly currency: string; readonly mode: Mode },
): PspName | undefined {
  const fits = (wanted: string, is: string): boolean => wanted === ANY || wanted === is;
  return routes.find(
    ({ kind, currency, mode }) => fits(kind, payout.kind) && fits(currency, payout.currency) && fits(mode, payout.mode),
  )?.psp;
}
