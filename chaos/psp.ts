/** A PSP as the harness knows it: its book, its bank, and the faults that it is asked for. One for each flow. */
import pg from 'pg';
import { TEXTS } from '../src/psp/flutterwave/scenarios.ts';
import type { Installation } from '../tests/support/installation.ts';
import { askSimulator, SimulatorRefusal, type Transfer, transfersAt } from '../tests/support/simulatorControl.ts';
import type { BankDeed, Flow } from './behaviours.ts';
import { patiently } from './patience.ts';

export interface Psp {
  transfers(): Promise<Transfer[]>;
  /** @throws if the PSP does not answer. */
  bank(reference: string, deed: BankDeed): Promise<'done' | 'refused'>;
  fault(kind: string, params: object, accountNumber: string, times?: number): Promise<void>;
  clearFaults(): Promise<void>;
  /** How many callbacks it still has to send. */
  pendingCallbacks(): Promise<number>;
  /** What it would send again in half an hour, it sends now; that it gives up after a few times does not count. */
  hurry(): Promise<void>;
  close(): Promise<void>;
}

const PSPS = {
  merchant: { name: 'sandbox', url: 'sandboxUrl' },
  provider: { name: 'flutterwave', url: 'flutterwaveUrl' },
} as const satisfies Record<Flow, { name: string; url: string }>;

/** What the bank says, in the simulators' words. */
const BANK: Readonly<Record<Exclude<BankDeed, 'allow'>, object>> = {
  pay: { status: 'paid' },
  fail: { status: 'failed' },
  fail_for_funds: { status: 'failed', reason: TEXTS.shortOfFunds },
  return: { status: 'returned' },
};

export function openPsp(here: Installation, flow: Flow): Psp {
  const { name, url: at } = PSPS[flow];
  const url = here.credentials[at];
  const pool = new pg.Pool({
    connectionString: here.credentials.databaseUrl.replace(/oncepay$/, name),
    max: 1,
    connectionTimeoutMillis: 5_000,
  });
  pool.on('error', () => undefined);
  return {
    transfers: () => patiently(() => transfersAt(url)),
    async bank(reference, deed) {
      const path = `transfers/${encodeURIComponent(reference)}`;
      const asked = deed === 'allow' ? askSimulator(url, `${path}/approve`) : askSimulator(url, path, BANK[deed]);
      return await asked.then(
        () => 'done',
        (error: unknown) => {
          if (error instanceof SimulatorRefusal) return 'refused';
          throw error;
        },
      );
    },
    async fault(kind, params, accountNumber, times = 1) {
      await patiently(() => askSimulator(url, 'faults', { kind, params, match: { accountNumber }, times }));
    },
    async clearFaults() {
      await patiently(() => askSimulator(url, 'faults', undefined, 'DELETE'));
    },
    async pendingCallbacks() {
      const sql = `SELECT count(*)::int AS pending FROM ${name}.callbacks WHERE done_at IS NULL`;
      return (await patiently(() => pool.query<{ pending: number }>(sql))).rows[0]?.pending ?? 0;
    },
    async hurry() {
      await patiently(() =>
        pool.query(
          `UPDATE ${name}.callbacks SET due_at = clock_timestamp(), tries = 1 WHERE done_at IS NULL AND due_at > clock_timestamp() + interval '1 minute'`,
        ),
      );
    },
    close: () => pool.end(),
  };
}
