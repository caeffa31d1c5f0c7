/** Which PSP pays what. Everything above speaks only to the port. */
import type { Mode, PayoutKind } from '../domain/payout/contract.ts';
import type { PspConnector } from './port.ts';
import { createSandboxConnector, type SandboxConnectorOptions } from './sandbox/connector.ts';

export interface PspConfig {
  readonly sandbox: SandboxConnectorOptions;
}

/** What decides which PSP a payout goes to. */
export interface Route {
  readonly mode: Mode;
  readonly currency: string;
  readonly kind: PayoutKind;
}

export interface PspRegistry {
  /** The PSP for a new payout; undefined where none is configured (`psp_not_configured`). */
  forPayout(route: Route): PspConnector | undefined;
  /** The PSP that a payout was given to, or that calls back. */
  byName(name: string): PspConnector | undefined;
  close(): Promise<void>;
}

export function createPspRegistry(config: PspConfig): PspRegistry {
  const sandbox = createSandboxConnector(config.sandbox);
  const connectors: ReadonlyMap<string, PspConnector> = new Map([[sandbox.name, sandbox]]);
  return {
    // The sandbox takes every currency. No live PSP yet: real money is refused rather than sent to a simulator.
    forPayout: ({ mode }) => (mode === 'test' ? sandbox : undefined),
    byName: (name) => connectors.get(name),
    close: () => sandbox.close(),
  };
}
