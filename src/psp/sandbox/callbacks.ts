/**
 * What the sandbox calls back with when a transfer changes. Planned and stored in the transaction of the change, sent
 * afterwards (delivery.ts), so a callback is lost only where a fault wants it lost.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from './database.ts';
import type { Fault, FaultKind, FaultOf } from './faults.ts';
import type { Callback, Transfer, TransferStatus } from './wire.ts';

export interface PlannedCallback {
  readonly body: Callback;
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

/** The callbacks for a transfer as it now stands, bent by these faults. */
export function planCallbacks(transfer: Transfer, faults: readonly Fault[]): PlannedCallback[] {
  const found = <K extends FaultKind>(kind: K) => faults.find((fault): fault is FaultOf<K> => fault.kind === kind);
  if (found('no_callback')) return [];
  const afterMs = CALLBACK_AFTER_MS + (found('late_callback')?.params.ms ?? 0);
  const truth = { body: telling(transfer, transfer.status), afterMs, forged: false };
  // Copies follow 50 ms apart: close enough to meet the first one's handling.
  const copies = Array.from({ length: found('duplicate_callback')?.params.count ?? 1 }, (_, copy) => ({
    ...truth,
    afterMs: afterMs + 50 * copy,
  }));
  const reordered = transfer.status === 'paid' ? found('reordered_callbacks') : undefined;
  return [
    ...copies,
    ...(reordered
      ? [{ body: telling(transfer, 'processing', OLDER_BY_MS), afterMs: afterMs + reordered.params.ms, forged: false }]
      : []),
    ...(found('forged_callback')
      ? [true, false].map((forged) => ({ body: telling(transfer, OPPOSITE[transfer.status]), afterMs, forged }))
      : []),
  ];
}

function telling(transfer: Transfer, status: TransferStatus, olderByMs = 0): Callback {
  const { id, reference, amount, currency } = transfer;
  return {
    id: `sbe_${randomUUID()}`,
    type: `transfer.${status}`,
    createdAt: new Date(Date.parse(transfer.updatedAt) - olderByMs).toISOString(),
    data: { id, reference, status, amount, currency, reason: status === transfer.status ? transfer.reason : null },
  };
}

/** As three arrays, for `unnest`: body, forged, after_ms. */
export const columnsOf = (planned: readonly PlannedCallback[]): [string[], boolean[], number[]] => [
  planned.map(({ body }) => JSON.stringify(body)),
  planned.map(({ forged }) => forged),
  planned.map(({ afterMs }) => afterMs),
];

export async function storeCallbacks(client: Client, transferId: string, planned: readonly PlannedCallback[]): Promise<void> {
  if (planned.length === 0) return;
  await client.query(
    `INSERT INTO sandbox.callbacks (transfer_id, body, forged, due_at)
     SELECT $1, body, forged, clock_timestamp() + after_ms * interval '1 ms'
     FROM unnest($2::text[], $3::boolean[], $4::integer[]) AS planned (body, forged, after_ms)`,
    [transferId, ...columnsOf(planned)],
  );
}
