/** The payouts of a run, each with its own account number, by which the PSP's behaviour is bound to it. */
import type { PspName } from '../psp.ts';
import type { Random } from '../random.ts';
import type { Boundary, Order } from '../scenario.ts';
import type { Site } from '../site.ts';
import type { PayoutBehaviour } from './behaviour.ts';
import { faultsAt } from './stops.ts';

/** Before anybody can ask for it. */
export interface PayoutDraft {
  readonly idempotencyKey: string;
  readonly behaviour: PayoutBehaviour;
  readonly accountNumber: string;
  /** Decimal text, two decimals. */
  readonly amount: string;
}

export interface PayoutOrder extends Order, PayoutDraft {
  readonly behaviour: PayoutBehaviour;
}

/** Different for every order of an installation. */
let serial = 10_000_000_000;

/** `digits`: how many of its account number are its own, before those that say how the PSP behaves. */
export function drawPayout(behaviour: PayoutBehaviour, random: Random, digits: number): PayoutDraft {
  serial += 1;
  return {
    idempotencyKey: `chaos-${process.pid}-${serial}`,
    behaviour,
    accountNumber: `${String(serial).slice(-digits)}${behaviour.suffix}`,
    amount: `${100 + random.below(900)}.${10 + random.below(90)}`,
  };
}

/** Tells the PSP how to behave towards it, before it hears of it. */
export async function bindFaults(
  site: Site,
  psp: PspName,
  { behaviour, accountNumber }: PayoutDraft,
  at?: Boundary,
): Promise<void> {
  for (const { kind, params = {}, times = 1 } of [...faultsAt(at), ...behaviour.faults])
    await site.books.psps[psp].fault(kind, params, { accountNumber }, times);
}
