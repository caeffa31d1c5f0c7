/** A payer shows that a slice was paid: the image is kept first, then the proof is written down, then its workflow is told. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { type ProofAnswer, submitProof } from '../../ledger/instant.ts';
import type { Tenant } from '../../users/reads.ts';
import type { Screenshot } from '../images/screenshot.ts';
import type { ImageStore } from '../images/store.ts';
import type { InstantClient } from '../rules/contract.ts';
import { LOOK_ALIKE_BITS } from '../rules/policy.ts';
import { type PayeeType, readUtr } from '../rules/utr.ts';

export interface ProvePorts {
  readonly pool: Sql;
  readonly instant: InstantClient;
  readonly images: ImageStore;
}

export interface Shown extends Tenant {
  readonly batchId: string;
  /** Undefined: the newest assignment of the slice to a payer of this merchant's. */
  readonly payinId: string | undefined;
  readonly utr: string;
  readonly image: Screenshot;
  /** Who shows it: the payer's merchant, or the payer, on a page. */
  readonly actor: string;
}

export type Proven = ProofAnswer | { readonly outcome: 'not_found' | 'invalid_utr' };

/** An image whose process died before the proof was written down is nobody's, and found by nobody. */
export async function prove({ pool, instant, images }: ProvePorts, shown: Shown): Promise<Proven> {
  const assigned = await assignmentOf(pool, shown);
  if (!assigned) return { outcome: 'not_found' };
  const utr = readUtr(assigned.payeeType, shown.utr);
  if (!utr) return { outcome: 'invalid_utr' };
  const { batchId, image, actor } = shown;
  await images.keep(image);
  await failpoint('proof.kept', batchId);
  const answer = await submitProof(pool, {
    batchId,
    payinId: assigned.payinId,
    ...utr,
    imageHash: image.hash,
    imageLook: image.look,
    imageType: image.type,
    lookAlikeBits: LOOK_ALIKE_BITS,
    actor,
  });
  await failpoint('proof.recorded', batchId);
  if ('batch' in answer) await instant.lookAtBatch(batchId);
  return answer;
}

async function assignmentOf(
  pool: Sql,
  { merchantId, mode, batchId, payinId }: Shown,
): Promise<{ payinId: string; payeeType: PayeeType } | undefined> {
  const { rows } = await pool.query<{ payinId: string; payeeType: PayeeType }>(
    `SELECT a.payin_id AS "payinId", w.payee ->> 'type' AS "payeeType"
       FROM instant_assignments a JOIN payins p ON p.id = a.payin_id
       JOIN instant_batches b ON b.id = a.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
      WHERE a.batch_id = $1 AND p.merchant_id = $2 AND p.mode = $3 AND ($4::text IS NULL OR a.payin_id = $4)
      ORDER BY a.epoch DESC LIMIT 1`,
    [batchId, merchantId, mode, payinId ?? null],
  );
  return rows[0];
}
