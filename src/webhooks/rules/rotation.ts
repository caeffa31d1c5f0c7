/** What becomes of a signing secret when a new one takes its place. */

/** Time to put the new secret where the old one was, over a weekend's night too. */
const PREVIOUS_KEPT_MS = 24 * 3_600_000;

/** An endpoint's secrets, or those of a merchant's callbackUrls; as stored: encrypted. */
export interface KeptSecrets {
  readonly secret: string;
  /** The one before, which signs too until then. Null: never rotated. */
  readonly previousSecret: string | null;
  readonly previousUntil: Date | null;
  /** Until when one more would have signed, which the last rotation dropped. */
  readonly droppedUntil: Date | null;
  /** The rotation that made `secret`: a repeat of it is known by this. */
  readonly rotationId: string | null;
}

/** As a merchant or an endpoint is made. */
export const neverRotated = (secret: string): KeptSecrets => ({
  secret,
  previousSecret: null,
  previousUntil: null,
  droppedUntil: null,
  rotationId: null,
});

/**
 * What is kept after a rotation. There is room for one secret besides the new one, and that is the one in use: an older
 * one that would still sign is dropped, and `droppedUntil` says so.
 * @returns undefined where this very rotation was done before and only its answer was lost: rotating once more would
 * push out the secret in use for one that nobody has
 */
export function rotated(kept: KeptSecrets, rotation: { id: string; secret: string; at: Date }): KeptSecrets | undefined {
  const { id, secret, at } = rotation;
  if (kept.rotationId === id) return undefined;
  return {
    secret,
    previousSecret: kept.secret,
    previousUntil: new Date(at.getTime() + PREVIOUS_KEPT_MS),
    droppedUntil: kept.previousUntil !== null && kept.previousUntil > at ? kept.previousUntil : null,
    rotationId: id,
  };
}
