/** Which PSP pays what. Everything above speaks only to the port. */
import type { Mode } from '../payouts/rules/contract.ts';
import type { PayoutKind } from '../payouts/rules/kinds.ts';
import { withBorder } from './border.ts';
import { createFlutterwaveConnector, type FlutterwaveConnectorOptions } from './flutterwave/connector.ts';
import type { PspConnector } from './port.ts';
import { DEFAULT_ROUTES, type PspRoute, routeOf } from './routing.ts';
import { createSandboxConnector, type SandboxConnectorOptions } from './sandbox/connector.ts';

export interface PspConfig {
  /** Absent: DEFAULT_ROUTES. */
  readonly routes?: readonly PspRoute[];
  readonly sandbox: SandboxConnectorOptions;
  /** Those of the two accounts that there are. */
  readonly flutterwave?: readonly FlutterwaveConnectorOptions[];
}

export interface PspRegistry {
  /** The PSP for a new payout; undefined where none is configured (`psp_not_configured`). */
  forPayout(payout: { readonly mode: Mode; readonly currency: string; readonly kind: PayoutKind }): PspConnector | undefined;
  /** The PSP that a payout of this mode was given to. */
  byName(name: string, mode: Mode): PspConnector | undefined;
  all(): readonly ConfiguredPsp[];
  close(): Promise<void>;
}

export interface ConfiguredPsp {
  readonly mode: Mode;
  readonly connector: PspConnector;
}

export function createPspRegistry({ routes = DEFAULT_ROUTES, sandbox, flutterwave = [] }: PspConfig): PspRegistry {
  const connectors = [
    { mode: 'test', connector: createSandboxConnector(sandbox) } as const,
    ...flutterwave.map((options) => ({ mode: options.mode, connector: createFlutterwaveConnector(options) })),
  ];
  const psps = connectors.map(({ mode, connector }): ConfiguredPsp => ({ mode, connector: withBorder(connector) }));
  const byName: PspRegistry['byName'] = (name, mode) =>
    psps.find((psp) => psp.mode === mode && psp.connector.name === name)?.connector;
  return {
    forPayout(payout) {
      const name = routeOf(routes, payout);
      return name && byName(name, payout.mode);
    },
    byName,
    all: () => psps,
    close: async () => {
      await Promise.all(connectors.map(({ connector }) => connector.close()));
    },
  };
}
