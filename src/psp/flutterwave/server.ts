/**
 * A simulator of Flutterwave's v3 transfers: same paths, envelopes and habits. Wire format: wire.ts. What happens to a
 * transfer: scenarios.ts.
 */
import { type Profile, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import type { Transfer, TransferStatus } from '../simulator/transfer.ts';
import { controlRoutes } from './controlRoutes.ts';
import { type Account, fieldsOf, PREFIX, pspRoutes } from './pspRoutes.ts';
import { TEXTS, type Times } from './scenarios.ts';
import { TABLES, wallet } from './wallet.ts';
import { HASH_HEADER } from './wire.ts';

export interface FlutterwaveOptions extends SimulatorOptions, Partial<Times> {
  /** What a customer shows as `Authorization: Bearer`. */
  readonly secretKey: string;
  /** Goes with every callback as it is. */
  readonly webhookHash: string;
}

/** Quick enough for a try-out; late enough to see the payout with the PSP first, and COMPLETED before it is returned. */
const TIMES: Times = { settleAfterMs: 400, returnAfterMs: 12_000, minuteMs: 60_000 };

/** It tries three times more, half an hour apart; the receiver must answer 200 exactly. */
const RETRIES = 3;
const RETRY_WAIT_MS = 30 * 60_000;

/** Starts the simulator; it listens once this resolves. */
export async function startFlutterwave(options: FlutterwaveOptions): Promise<Simulator> {
  return await startSimulator(flutterwave(options), options);
}

function flutterwave(options: FlutterwaveOptions): Profile<Account> {
  const { secretKey, webhookHash } = options;
  const times: Times = {
    settleAfterMs: options.settleAfterMs ?? TIMES.settleAfterMs,
    returnAfterMs: options.returnAfterMs ?? TIMES.returnAfterMs,
    minuteMs: options.minuteMs ?? TIMES.minuteMs,
  };
  return {
    name: 'flutterwave',
    prefix: PREFIX,
    tables: TABLES,
    // v3 tells of the end only. Of what a bank sends back it documents nothing; told here as the FAILED that a look-up finds.
    book: { idPrefix: 'flw', announces: new Set(['paid', 'failed', 'returned'] as const), tell, wallet },
    delivery: {
      proof: (_body, forged) => ({ [HASH_HEADER]: forged ? `not ${webhookHash}` : webhookHash }),
      isTaken: (status) => status === 200,
      waitAfter: (tries) => (tries > RETRIES ? null : RETRY_WAIT_MS),
    },
    usualReason: { failed: TEXTS.temporary, returned: TEXTS.returned },
    refusalBody: (_code, message) => ({ status: 'error', message, data: null }),
    routes: (app, desk) => pspRoutes(app, desk, { secretKey, times }),
    control: (app, desk) => controlRoutes(app, desk, times),
  };
}

function tell(transfer: Transfer<Account>, status: TransferStatus) {
  const data = { fullname: transfer.destination.name, ...fieldsOf(transfer, status), approver: null };
  return { event: 'transfer.completed', 'event.type': 'Transfer', data };
}
