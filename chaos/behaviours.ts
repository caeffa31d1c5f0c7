/** How a PSP may behave towards one payout, and how that payout must end whoever is killed meanwhile. */

export interface Behaviour {
  readonly name: string;
  /** The last four digits of the payee's account: the sandbox's own scenarios (api.md §2). */
  readonly suffix: string;
  readonly faults: readonly {
    readonly kind: string;
    readonly params?: Readonly<Record<string, unknown>>;
    readonly times?: number;
  }[];
  /** What the bank does later, once the payout is in this state. */
  readonly bank?: { readonly when: string; readonly makes: 'paid' | 'returned' };
  readonly ends: 'SUCCESS' | 'FAILED' | 'RETURNED';
  /** Requests for the transfer that paid: a second one only where the first was refused before anything was taken. */
  readonly requests: number;
}

const plain = { suffix: '1234', faults: [], ends: 'SUCCESS', requests: 1 } as const;

export const BEHAVIOURS: readonly Behaviour[] = [
  { ...plain, name: 'ok', suffix: '0001' },
  { ...plain, name: 'failed', suffix: '0003', ends: 'FAILED' },
  { ...plain, name: 'retried', suffix: '0002' },
  { ...plain, name: 'error_before', faults: [{ kind: 'error_before' }], requests: 2 },
  { ...plain, name: 'error_after', faults: [{ kind: 'error_after' }] },
  { ...plain, name: 'cut_after', faults: [{ kind: 'cut_after' }] },
  { ...plain, name: 'no_answer', faults: [{ kind: 'no_answer' }] },
  { ...plain, name: 'duplicate_callback', faults: [{ kind: 'duplicate_callback', params: { count: 3 } }] },
  { ...plain, name: 'late_callback', faults: [{ kind: 'late_callback', params: { ms: 1200 } }] },
  { ...plain, name: 'reordered_callbacks', faults: [{ kind: 'reordered_callbacks', params: { ms: 700 } }] },
  { ...plain, name: 'forged_callback', faults: [{ kind: 'forged_callback' }] },
  { ...plain, name: 'callback_first', faults: [{ kind: 'slow_answer', params: { ms: 700 } }] },
  { ...plain, name: 'failed_unheard', suffix: '0003', faults: [{ kind: 'cut_after' }], ends: 'FAILED' },
  { ...plain, name: 'failed_forged', suffix: '0003', faults: [{ kind: 'forged_callback' }], ends: 'FAILED' },
  { ...plain, name: 'queued', suffix: '0004', bank: { when: 'PSP_QUEUED', makes: 'paid' } },
  { ...plain, name: 'held', suffix: '0005', bank: { when: 'PSP_HELD', makes: 'paid' } },
  { ...plain, name: 'returned', suffix: '0009', bank: { when: 'SUCCEEDED', makes: 'returned' }, ends: 'RETURNED' },
  {
    ...plain,
    name: 'returned_twice',
    suffix: '0009',
    faults: [{ kind: 'duplicate_callback', params: { count: 3 }, times: 2 }], // of the payment, and of the return
    bank: { when: 'SUCCEEDED', makes: 'returned' },
    ends: 'RETURNED',
  },
];
