/** What a PSP has under one key of ours, and what it answers about it. */
import type { PspReply } from '../src/payouts/rules/reply.ts';

/** `none`: it has no transfer under this key. */
export type PspStatus = 'none' | 'queued' | 'held' | 'processing' | 'paid' | 'failed' | 'returned';

export interface PspKey {
  readonly status: PspStatus;
  /** Of a failed one: whether another try may help. */
  readonly mayRetry: boolean;
  /** It has another amount than we asked for. */
  readonly isOdd: boolean;
  /** It was shown as failed, and is alive after all. */
  readonly lied: boolean;
  /** Its look-ups do not show it yet. */
  readonly lags: boolean;
  /** Its look-ups still show this, which it was before. */
  readonly shows: PspStatus | null;
  /** Its look-ups are never answered again. */
  readonly isSilent: boolean;
  /** The key's window is over: a request under it is a new one to the PSP. */
  readonly isForgotten: boolean;
  /** Transfers beside the first, after the key was forgotten. */
  readonly twins: number;
  /** It has changed, and the PSP will say so. */
  readonly owesMessage: boolean;
}

export const newKey = (): PspKey => ({
  status: 'none',
  mayRetry: false,
  isOdd: false,
  lied: false,
  lags: false,
  shows: null,
  isSilent: false,
  isForgotten: false,
  twins: 0,
  owesMessage: false,
});

/** Money that went out by this key, or still may without a further request. */
export const isLiveAtPsp = ({ status }: PspKey): boolean => ['queued', 'held', 'processing', 'paid'].includes(status);

/** What the PSP answers about this key, to a look-up or to a request that it has taken. */
export function replyOf(key: PspKey): PspReply {
  const pspRef = 'tr';
  if (key.isOdd && isLiveAtPsp(key)) return { kind: 'mismatch', pspRef, detail: 'another amount' };
  switch (key.status) {
    case 'none':
      return { kind: 'not_found' };
    case 'queued':
    case 'held':
    case 'processing':
      return { kind: 'accepted', stage: key.status, pspRef, reason: null };
    case 'paid':
      return { kind: 'paid', pspRef };
    case 'returned':
      return { kind: 'returned', pspRef, reason: 'sent back' };
    case 'failed':
      return { kind: 'failed', pspRef, failure: { class: key.mayRetry ? 'B' : 'F', code: 'failed', message: 'failed' } };
  }
}
