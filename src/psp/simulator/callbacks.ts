/**
 * What a simulator calls back with when a transfer changes. Planned and stored in the transaction of the change, sent
 * afterwards (delivery.ts), so a callback is lost only where a fault wants it lost.
 */
import type { Client } from './database.ts';
import { type Fault, type FaultKind, type FaultOf, wordOf } from './faults.ts';
import { withNul } from './nulText.ts';
import type { Payee, Transfer, TransferStatus } from './transfer.ts';

/** How one PSP words it. */
export interface CallbackRules<P extends Payee> {
  /** The changes that it tells of. */
  readonly announces: ReadonlySet<TransferStatus>;
  /** The event that says this transfer is `status`, as if it had happened so long ago. */
  tell(transfer: Transfer<P>, status: TransferStatus, olderByMs: number): unknown;
}

export interface PlannedCallback {
  readonly body: unknown;
  readonly afterMs: number;
  /** Sent with a signature that is not ours. */
  readonly forged: boolean;
}

/** After the reply has gone out: a customer normally hears the reply first. */
export const CALLBACK_AFTER_MS = 200;

/** The contradiction that would do most harm if it were believed. */
const OPPOSITE: Readonly<Record<TransferStatus, TransferStatus>> = {
  paid: 'failed',
  returned: 'paid',
  failed: 'paid',
  queued: 'paid',
  held: 'paid',
  processing: 'paid',
};

/** An earlier step that a reordered callback tells of, some time before it was paid. */
const OLDER_BY_MS = 2000;

/** The callbacks for a transfer as it now stands, which the PSP tells of, bent by these faults. */
export function planCallbacks<P extends Payee>(
  rules: Pick<CallbackRules<P>, 'tell'>,
  transfer: Transfer<P>,
  faults: readonly Fault[],
): PlannedCallback[] {
  const found = <K extends FaultKind>(kind: K) => faults.find((fault): fault is FaultOf<K> => fault.kind === kind);
  if (found('no_callback')) return [];
  const afterMs = CALLBACK_AFTER_MS + (found('late_callback')?.params.ms ?? 0);
  const garble = found('nul_text') ? withNul : (body: unknown) => body;
  const tell: typeof rules.tell = (...what) => garble(rules.tell(...what));
  const lie = found('contradicts');
  const told = lie ? { ...transfer, status: wordOf(lie), reason: lie.params.reason ?? null } : transfer;
  const truth = { body: tell(told, told.status, 0), afterMs, forged: false };
  // Copies follow 50 ms apart: close enough to meet the first one's handling.
  const copies = Array.from({ length: found('duplicate_callback')?.params.count ?? 1 }, (_, copy) => ({
    ...truth,
    afterMs: afterMs + 50 * copy,
  }));
  const reordered = transfer.status === 'paid' ? found('reordered_callbacks') : undefined;
  return [
    ...copies,
    ...(reordered
      ? [{ body: tell(transfer, 'processing', OLDER_BY_MS), afterMs: afterMs + reordered.params.ms, forged: false }]
      : []),
    ...(found('forged_callback')
      ? [true, false].map((forged) => ({ body: tell(transfer, OPPOSITE[transfer.status], 0), afterMs, forged }))
      : []),
  ];
}

export async function storeCallbacks(client: Client, transferId: string, planned: readonly PlannedCallback[]): Promise<void> {
  if (planned.length === 0) return;
  await client.query(
    `INSERT INTO callbacks (transfer_id, body, forged, due_at)
     SELECT $1, body, forged, clock_timestamp() + after_ms * interval '1 ms'
     FROM unnest($2::text[], $3::boolean[], $4::integer[]) AS planned (body, forged, after_ms)`,
    [
      transferId,
      planned.map(({ body }) => JSON.stringify(body)),
      planned.map(({ forged }) => forged),
      planned.map(({ afterMs }) => afterMs),
    ],
  );
}
