/** A PSP as the harness knows it: its book, its bank, and the faults that it is asked for. */
import pg from 'pg';
import type { Installation } from '../harness/installation.ts';
import { askSimulator, SimulatorRefusal, type Transfer, transfersAt } from '../harness/simulatorControl.ts';
import { TEXTS } from '../src/psp/flutterwave/scenarios.ts';
import { patiently } from './patience.ts';

/** What its bank does, or a person at the PSP. */
export const BANK_DEEDS = [
  'pay', 'fail', 'fail_for_now', 'fail_for_funds', 'return', 'allow', 'is_queued', 'is_held', 'is_processing',
] as const; // biome-ignore format: a list
export type BankDeed = (typeof BANK_DEEDS)[number];

export interface Psp {
  transfers(): Promise<Transfer[]>;
  /** @throws if the PSP does not answer. */
  bank(reference: string, deed: BankDeed): Promise<'done' | 'refused'>;
  fault(kind: string, params: object, of: FaultMatch, times?: number): Promise<void>;
  clearFaults(): Promise<void>;
  /** How many callbacks it still has to send, and transfers to change. */
  pending(): Promise<number>;
  /** Transfers that it was asked for, and took, while an earlier one of the same payout had not failed. */
  overlaps(): Promise<Overlap[]>;
  /** What it would send again in half an hour, it sends now; that it gives up after a few times does not count. */
  hurry(): Promise<void>;
  close(): Promise<void>;
}

/** Whom or what a fault is to meet: all to a payee's account, or one attempt. */
export type FaultMatch = { readonly accountNumber: string } | { readonly reference: string };

export interface Overlap {
  readonly reference: string;
  readonly earlier: string;
}

/** Under which name its address is in the credentials. */
const URL_OF = { sandbox: 'sandboxUrl', flutterwave: 'flutterwaveUrl' } as const;
export type PspName = keyof typeof URL_OF;

/** Our reference there begins with the id of what it is for. */
export const subjectOf = ({ reference }: { readonly reference: string }): string => reference.split(':')[0] ?? '';

/** What the bank says, in the simulators' words. */
const BANK: Readonly<Record<Exclude<BankDeed, 'allow'>, object>> = {
  pay: { status: 'paid' },
  fail: { status: 'failed' },
  fail_for_now: { status: 'failed', reason: 'bank_unavailable' },
  fail_for_funds: { status: 'failed', reason: TEXTS.shortOfFunds },
  return: { status: 'returned' },
  is_queued: { status: 'queued' },
  is_held: { status: 'held' },
  is_processing: { status: 'processing' },
};

export function openPsp(here: Installation, name: PspName): Psp {
  const url = here.credentials[URL_OF[name]];
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
    async fault(kind, params, match, times = 1) {
      await patiently(() => askSimulator(url, 'faults', { kind, params, match, times }));
    },
    async clearFaults() {
      await patiently(() => askSimulator(url, 'faults', undefined, 'DELETE'));
    },
    async pending() {
      const sql = `SELECT (SELECT count(*) FROM ${name}.callbacks WHERE done_at IS NULL)::int
                        + (SELECT count(*) FROM ${name}.transfers WHERE due_at IS NOT NULL)::int AS pending`;
      return (await patiently(() => pool.query<{ pending: number }>(sql))).rows[0]?.pending ?? 0;
    },
    async overlaps() {
      const sql = `
        WITH attempts AS (
          SELECT reference, split_part(reference, ':', 1) AS payout, split_part(reference, ':', 2)::int AS attempt, status, created_at, updated_at
            FROM ${name}.transfers WHERE reference ~ '^[a-z]+_[0-9a-f]+:[0-9]+$'
        ) SELECT later.reference, earlier.reference AS earlier FROM attempts later
            JOIN attempts earlier ON earlier.payout = later.payout AND earlier.attempt < later.attempt
           WHERE earlier.status <> 'failed' OR earlier.updated_at > later.created_at`;
      return (await patiently(() => pool.query<Overlap>(sql))).rows;
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
