/**
 * Ids and the keys derived from them. An id is a prefix and the 32 hex digits of a UUIDv7 (made in newId.ts), so ids
 * sort by time. Everything here is derived from ids alone: no clock, no random, no Node; workflows use it.
 */

/** Is it `<prefix>_` and 32 lower-case hex digits? */
export function isId(prefix: string, text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(`${prefix}_`) && /^[0-9a-f]{32}$/.test(text.slice(prefix.length + 1));
}

/** What every id that was allotted from this moment on sorts after, and every earlier one before. */
export const firstIdAt = (prefix: string, ms: number): string =>
  `${prefix}_${Math.max(0, ms).toString(16).padStart(12, '0')}${'0'.repeat(20)}`;

/** Our reference at a PSP: the same attempt is always asked for under the same one. */
export function pspReference(payoutId: string, attempt: number): string {
  if (!Number.isInteger(attempt) || attempt < 1) throw new RangeError('attempts count from 1');
  return `${payoutId}:${attempt}`;
}

/** The payout a PSP's reference speaks of, or undefined where it is not one of ours. */
export function payoutIdOf(reference: string): string | undefined {
  return readReference(reference)?.payoutId;
}

/** The attempt a PSP's reference speaks of, or undefined where it is not one of ours. */
export function attemptOf(reference: string): number | undefined {
  return readReference(reference)?.attempt;
}

// At most nine digits, within SQL's integer: what a PSP sends us is outside data.
function readReference(reference: string): { payoutId: string; attempt: number } | undefined {
  const match = /^(po_[0-9a-f]{32}):([1-9][0-9]{0,8})$/.exec(reference);
  if (!match) return undefined;
  const [, payoutId = '', attempt = ''] = match;
  return { payoutId, attempt: Number.parseInt(attempt, 10) };
}

/** One workflow a round: the payout's own, then one for each reinitiation. */
export function payoutWorkflowId(payoutId: string, round: number): string {
  if (!Number.isInteger(round) || round < 1) throw new RangeError('rounds count from 1');
  return round === 1 ? `payout/${payoutId}` : `payout/${payoutId}/${round}`;
}

/** Takes a payout's workflow id apart, or undefined where it is none. */
export function parsePayoutWorkflowId(text: string): { readonly payoutId: string; readonly round: number } | undefined {
  const match = /^payout\/(po_[0-9a-f]{32})(?:\/([2-9]|[1-9][0-9]{1,8}))?$/.exec(text);
  if (!match) return undefined;
  const [, payoutId = '', round = '1'] = match;
  return { payoutId, round: Number.parseInt(round, 10) };
}

/** The id of a ledger entry, from its number: as long as the longest, so that ids sort by time. */
export const ledgerEntryId = (number: string): string => `le_${number.padStart(19, '0')}`;

/** The workflow that takes facts which come after the payout's own has ended. */
export const followUpWorkflowId = (payoutId: string): string => `payout-return/${payoutId}`;

/** The workflow of a payout run that an admin started; the Schedule names its own. */
export const payoutRunWorkflowId = (runId: string): string => `payout-run/${runId}`;

/**
 * The id of a payout's event: four digits of its number, more where it has more. The SQL function `announce` writes the
 * same, so that an event has one id for ever.
 */
export function eventId(payoutId: string, sequence: number): string {
  if (!isId('po', payoutId)) throw new RangeError('not a payout id');
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw new RangeError('no such event number');
  return `evt_${payoutId.slice(3)}_${String(sequence).padStart(4, '0')}`;
}

/** Takes an event id apart, or undefined where it is none. */
export function parseEventId(text: string): { readonly payoutId: string; readonly sequence: number } | undefined {
  const match = /^evt_([0-9a-f]{32})_([0-9]{4}|[1-9][0-9]{4,8})$/.exec(text); // nine digits: within SQL's integer
  if (!match) return undefined;
  const [, hex = '', sequence = ''] = match;
  return { payoutId: `po_${hex}`, sequence: Number.parseInt(sequence, 10) };
}
