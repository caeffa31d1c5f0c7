/** The sandbox PSP. Wire format: wire.ts. What happens to a transfer: scenarios.ts. */
import { randomUUID } from 'node:crypto';
import type { DeliveryRules } from '../simulator/delivery.ts';
import { type Profile, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { TRANSFER_STATUSES, type Transfer, type TransferStatus } from '../simulator/transfer.ts';
import { pspRoutes } from './pspRoutes.ts';
import { RETURNED_BY_BANK } from './scenarios.ts';
import * as wire from './wire.ts';

export interface SandboxOptions extends SimulatorOptions {
  /** What a customer shows as `Authorization: Bearer`. */
  readonly apiKey: string;
  /** Signs callbacks. */
  readonly webhookSecret: string;
  /** How long scenario 0009 stays paid. */
  readonly returnAfterMs?: number;
}

/** Starts the sandbox; it listens once this resolves. */
export async function startSandbox(options: SandboxOptions): Promise<Simulator> {
  return await startSimulator(sandbox(options), options);
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** 0.5 s, 1 s, 2 s … 30 s. */
export function waitAfter(tries: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 10));
}

function sandbox({ apiKey, webhookSecret, returnAfterMs }: SandboxOptions): Profile<wire.WireDestination> {
  return {
    name: 'sandbox',
    prefix: '',
    tables: '',
    book: { idPrefix: 'sbt', announces: new Set(TRANSFER_STATUSES), tell },
    delivery: deliveryWith(webhookSecret),
    usualReason: { held: 'compliance_check', failed: 'declined_by_bank', returned: RETURNED_BY_BANK },
    refusalBody: (code, message) => ({ error: { code, message } }),
    routes: (app, desk) => pspRoutes(app, desk, { apiKey, returnAfterMs }),
    control: () => undefined,
  };
}

function deliveryWith(webhookSecret: string): DeliveryRules {
  return {
    // A forger signs too, only not with this secret.
    proof: (body, forged) => ({ [wire.SIGNATURE_HEADER]: wire.signature(body, forged ? `not ${webhookSecret}` : webhookSecret) }),
    isTaken: (status) => status >= 200 && status <= 299,
    waitAfter,
  };
}

export function tell(transfer: Transfer<wire.WireDestination>, status: TransferStatus, olderByMs: number): wire.Callback {
  const { id, reference, amount, currency } = transfer;
  return {
    id: `sbe_${randomUUID()}`,
    type: `transfer.${status}`,
    createdAt: new Date(Date.parse(transfer.updatedAt) - olderByMs).toISOString(),
    data: { id, reference, status, amount, currency, reason: status === transfer.status ? transfer.reason : null },
  };
}
