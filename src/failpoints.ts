/**
 * Named places where a process may be killed, for the proof that nothing is paid twice (bench/../chaos). Inert unless
 * ONCEPAY_FAILPOINTS names an address: then each place tells that address that a payout, a game, a market or a withdrawal has come there, and
 * waits for its answer, while the harness kills whom it wants.
 */

/** In the order of a payout's life, then of a game's, a market's and a withdrawal's. A place is `before` or `after` what it names. */
export const FAILPOINTS = [
  'reserve.after',
  'decide.before',
  'decide.after',
  'run_page.after',
  'dispatch.before',
  'dispatch.after',
  'attempt.before',
  'psp_call.before',
  'psp_call.after',
  'look_up.before',
  'callback.stored',
  'settle.before',
  'settle.after',
  'release.before',
  'release.after',
  'return.before',
  'relay.claimed',
  'relay.sent',
  'relay.recorded',
  'notify.before',
  'notify.after',
  'completion.recorded',
  'void.recorded',
  'game_step.after',
  'game_end.before',
  'game_end.after',
  'market_frozen.after',
  'market_plan.before',
  'market_plan.after',
  'market_chunk.before',
  'market_chunk.after',
  'market_verify.before',
  'market_end.after',
  'market_undo.before',
  'market_undo.after',
  'market_undone.after',
  'withdrawal.opened',
  'slice.claiming',
  'slice.claimed',
  'slice.expiring',
  'slice.expired',
  'proof.kept',
  'proof.recorded',
  'bank_credit.recorded',
  'slice.judging',
  'slice.judged',
  'withdrawal.closed',
  'rest.before',
  'rest.after',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Longer than the harness holds anybody; if it is gone, go on. */
const HELD_AT_MOST_MS = 20_000;

/** Set in the environment of the processes under test, never in an installation. */
const address = process.env['ONCEPAY_FAILPOINTS'];

/** @param payoutId or the id of another subject that has come there. */
export async function failpoint(name: Failpoint, payoutId: string | null): Promise<void> {
  if (!address) return;
  const body = JSON.stringify({ name, payoutId, pid: process.pid });
  await fetch(address, { method: 'POST', body, signal: AbortSignal.timeout(HELD_AT_MOST_MS) }).catch(() => undefined);
}
