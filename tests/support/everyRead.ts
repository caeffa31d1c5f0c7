/** Every read of the API, with every filter that it has: what tests/integration/lists.test.ts asks. */

/** Who asks: each sees the most that one of its kind can, but the newcomer, who has two payouts among all the others'. */
export type Caller = 'merchant' | 'newcomer' | 'provider' | 'admin';

/** What stands in a path or a query as `{name}`: known when the rows are there. */
export type Names =
  | 'provider'
  | 'merchant'
  | 'payout'
  | 'providersPayout'
  | 'event'
  | 'endpoint'
  | 'run'
  | 'user'
  | 'game'
  | 'market'
  | 'resolution'
  | 'distribution'
  | 'import'
  | 'instantPayout'
  | 'batch'
  | 'payin'
  | 'nobody';

export interface Read {
  readonly as: Caller;
  /** For `{id}` of the path. */
  readonly of?: Names;
  /** Each filter alone, with what is rare or nowhere to be found; then those that are easily got wrong together. */
  readonly filters?: readonly string[];
}

// Payouts were created in January and February: the second of January is among the oldest, the tenth of January in the middle.
const OLD = 'createdFrom=2026-01-02T00:00:00Z&createdTo=2026-01-02T01:00:00Z';
// In here is one whose id is three days older, and in here one whose id is two hours younger.
const WITH_LATE = 'createdFrom=2026-01-04T08:00:00Z&createdTo=2026-01-04T09:00:00Z';
const WITH_EARLY = 'createdFrom=2026-01-01T23:00:00Z&createdTo=2026-01-01T23:10:00Z';
const BEFORE_ALL = 'createdTo=2025-12-01T00:00:00Z';
const AFTER_ALL = 'createdFrom=2026-04-01T00:00:00Z';

/** While they were made, and since. */
const BACK = ['at=2026-02-01T00:00:00Z', 'at=2999-01-01T00:00:00Z'];

const OF_ONE = ['merchantId={merchant}', 'merchantId={nobody}', 'mode=live', 'merchantId={merchant}&mode=live'];

export const READS: Readonly<Record<string, Read>> = {
  '/api/v1/payouts': {
    as: 'merchant',
    filters: [
      ...[
        'status=CANCELLED',
        'status=RETURNED',
        'status=ON_HOLD,RETRY,FAILED',
        'currency=USD',
        'currency=JPY',
        'reference=ref-31',
        'reference=none',
      ],
      ...[
        OLD,
        WITH_LATE,
        WITH_EARLY,
        BEFORE_ALL,
        AFTER_ALL,
        'createdFrom=2026-01-10T00:00:00Z',
        'createdTo=2026-01-10T00:00:00Z',
      ],
      ...[`status=FAILED&${OLD}`, `status=RETURNED&currency=PKR&createdFrom=2026-01-10T00:00:00Z`, `reference=none&${OLD}`],
    ],
  },
  '/api/v1/payouts/{id}': { as: 'merchant', of: 'payout', filters: BACK },
  '/api/v1/payouts/{id}/explain': { as: 'merchant', of: 'payout', filters: BACK },
  '/api/v1/payouts/{id}/timeline': { as: 'merchant', of: 'payout' },
  '/api/v1/overview': { as: 'merchant' },
  '/api/v1/balance': { as: 'merchant' },
  '/api/v1/balance/history': {
    as: 'merchant',
    filters: ['currency=USD', 'currency=JPY', 'payoutId={payout}', 'payoutId={nobody}', 'payoutId={payout}&currency=USD'],
  },
  '/api/v1/webhook-endpoints': { as: 'merchant' },
  '/api/v1/webhook-endpoints/{id}': { as: 'merchant', of: 'endpoint' },
  '/api/v1/webhook-endpoints/{id}/attempts': { as: 'merchant', of: 'endpoint' },
  '/api/v1/events': {
    as: 'merchant',
    filters: [
      ...['type=payout.created', 'type=payout.returned', 'type=payout.cancelled', 'type=payout.on_hold'],
      ...['payoutId={payout}', 'payoutId={nobody}', 'payoutId={payout}&type=payout.cancelled', 'payoutId={providersPayout}'],
    ],
  },
  '/api/v1/events/{id}': { as: 'merchant', of: 'event' },
  '/api/v1/providers': { as: 'merchant', filters: ['externalId=courier-7', 'externalId=none'] },
  '/api/v1/providers/{id}': { as: 'merchant', of: 'provider' },
  '/api/v1/providers/{id}/keys': { as: 'merchant', of: 'provider' },
  '/api/v1/provider-keys': { as: 'merchant' },
  '/api/v1/providers/{id}/payouts': {
    as: 'merchant',
    of: 'provider',
    filters: ['status=CANCELLED', 'status=FAILED', 'currency=JPY', 'status=COMPLETED&currency=PKR'],
  },
  '/api/v1/users': { as: 'merchant', filters: ['externalId=player-7', 'externalId=none'] },
  '/api/v1/users/{id}': { as: 'merchant', of: 'user' },
  '/api/v1/users/{id}/balance': { as: 'merchant', of: 'user' },
  '/api/v1/users/{id}/transactions': {
    as: 'merchant',
    of: 'user',
    filters: [
      'type=credit',
      'type=debit',
      'type=bet',
      'type=win,loss,refund',
      'type=repayment',
      'type=debit,repayment',
      'currency=PKR',
      'currency=JPY',
      'format=legacy',
    ],
  },
  '/api/v1/users/{id}/stats': { as: 'merchant', of: 'user', filters: ['currency=PKR', 'currency=JPY'] },
  '/api/v1/games/bank': { as: 'merchant' },
  '/api/v1/games': { as: 'merchant' },
  '/api/v1/games/{id}': { as: 'merchant', of: 'game', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/v1/games/{id}/explain': { as: 'merchant', of: 'game', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/v1/games/{id}/bets': { as: 'merchant', of: 'game', filters: ['userId={user}', 'userId={nobody}'] },
  '/api/v1/markets': { as: 'merchant' },
  '/api/v1/markets/{id}': { as: 'merchant', of: 'market' },
  '/api/v1/markets/{id}/commitments': { as: 'merchant', of: 'market', filters: ['userId={user}', 'userId={nobody}'] },
  '/api/v1/markets/{id}/distributions': { as: 'merchant', of: 'market' },
  '/api/v1/users/{id}/commitments': { as: 'merchant', of: 'user' },
  '/api/v1/users/{id}/distributions': { as: 'merchant', of: 'user' },
  '/api/v1/distributions/{id}': { as: 'merchant', of: 'distribution' },
  '/api/v1/imports/{id}': { as: 'merchant', of: 'import' },
  '/api/v1/imports/{id}/errors': { as: 'merchant', of: 'import' },
  '/api/v1/resolutions': { as: 'merchant', filters: ['marketId={market}'] },
  '/api/v1/resolutions/{id}': { as: 'merchant', of: 'resolution' },
  '/api/v1/api-keys': { as: 'merchant' },
  '/api/v1/instant-payouts': { as: 'merchant', filters: ['status=open', 'status=partially_completed', 'status=completed'] },
  '/api/v1/instant-payouts/{id}': { as: 'merchant', of: 'instantPayout', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/v1/instant-payouts/{id}/batches': { as: 'merchant', of: 'instantPayout' },
  '/api/v1/instant-payouts/{id}/explain': { as: 'merchant', of: 'instantPayout', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/v1/instant-payouts/batches/{id}': { as: 'merchant', of: 'batch' },
  '/api/v1/payins': { as: 'merchant' },
  '/api/v1/payins/{id}': { as: 'merchant', of: 'payin' },
  '/api/v1/payins/{id}/explain': { as: 'merchant', of: 'payin', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/v1/resolutions/{id}/explain': { as: 'merchant', of: 'resolution', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/provider/payouts': {
    as: 'provider',
    filters: ['status=CANCELLED', 'status=FAILED', 'currency=JPY', 'status=COMPLETED&currency=PKR'],
  },
  '/api/provider/payouts/{id}': { as: 'provider', of: 'providersPayout', filters: BACK },
  '/api/provider/payouts/{id}/explain': { as: 'provider', of: 'providersPayout', filters: BACK },
  '/api/provider/payouts/{id}/timeline': { as: 'provider', of: 'providersPayout' },
  '/api/provider/earnings': { as: 'provider', filters: ['currency=PKR', 'currency=JPY'] },
  '/api/provider/push-subscriptions': { as: 'provider' },
  '/api/admin/overview': { as: 'admin', filters: OF_ONE },
  '/api/admin/dashboard': { as: 'admin', filters: OF_ONE },
  '/api/admin/tokens': { as: 'admin', filters: OF_ONE },
  '/api/admin/resolution': { as: 'admin', filters: OF_ONE },
  '/api/admin/review-queue': { as: 'admin' },
  '/api/admin/risk-policy': { as: 'admin', filters: ['merchantId={merchant}'] },
  '/api/admin/payouts': {
    as: 'admin',
    filters: [
      ...['status=RETURNED', 'status=ON_HOLD', 'merchantId={merchant}', 'merchantId={nobody}', 'kind=provider', 'kind=merchant'],
      ...[
        'ownerId={merchant}',
        'ownerId={provider}',
        'ownerId={nobody}',
        'mode=live',
        'mode=test',
        'needsOperator=true',
        'needsOperator=false',
      ],
      ...['currency=USD', 'currency=JPY', 'reference=ref-31', 'reference=INV-7', 'reference=none'],
      ...[
        OLD,
        WITH_LATE,
        WITH_EARLY,
        BEFORE_ALL,
        AFTER_ALL,
        'createdFrom=2026-01-10T00:00:00Z',
        'createdTo=2026-01-10T00:00:00Z',
      ],
      ...[
        'merchantId={merchant}&mode=live',
        'merchantId={merchant}&status=CANCELLED',
        'merchantId={merchant}&kind=provider&status=FAILED',
      ],
      ...[
        'mode=live&status=RETURNED',
        'mode=live&kind=provider',
        'mode=live&currency=USD',
        `ownerId={provider}&status=CANCELLED`,
      ],
      ...[
        `status=CANCELLED&${OLD}`,
        `merchantId={merchant}&${OLD}`,
        'needsOperator=true&mode=live&status=FAILED',
        'reference=INV-7&mode=live',
      ],
    ],
  },
  '/api/admin/payouts/{id}': { as: 'admin', of: 'payout', filters: BACK },
  '/api/admin/payouts/{id}/explain': { as: 'admin', of: 'payout', filters: BACK },
  '/api/admin/games/{id}/explain': { as: 'admin', of: 'game', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/pauses': { as: 'admin', filters: ['status=holding', 'status=ended'] },
  '/api/admin/games': { as: 'admin', filters: ['needsOperator=true', 'needsOperator=false'] },
  '/api/admin/games/{id}': { as: 'admin', of: 'game', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/markets': { as: 'admin' },
  '/api/admin/markets/{id}': { as: 'admin', of: 'market' },
  '/api/admin/markets/{id}/verification': { as: 'admin', of: 'market' },
  '/api/admin/resolutions': {
    as: 'admin',
    filters: [
      ...[
        'needsOperator=true',
        'needsOperator=false',
        'state=disputed',
        'state=completed',
        'state=waiting_for_funds,rolled_back',
      ],
      ...['state=disputed&needsOperator=true', 'state=completed&needsOperator=true', 'state=disputed&needsOperator=false'],
    ],
  },
  '/api/admin/resolutions/{id}': { as: 'admin', of: 'resolution' },
  '/api/admin/resolutions/{id}/explain': { as: 'admin', of: 'resolution', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/distributions': { as: 'admin' },
  '/api/admin/instant-payouts': {
    as: 'admin',
    filters: [
      ...['status=open', 'status=partially_completed', 'status=completed', 'merchantId={merchant}', 'merchantId={nobody}'],
      ...['status=disputed&merchantId={merchant}', 'status=open&merchantId={nobody}'],
      ...['reference=w-31', 'reference=none', 'utr={payin}', 'utr=none', 'batchId={batch}', 'payinId={payin}'],
      'reference=w-31&status=open&merchantId={merchant}',
    ],
  },
  '/api/admin/instant-payouts/disputes': { as: 'admin' },
  '/api/admin/instant-payouts/reviews': { as: 'admin' },
  '/api/admin/instant-payouts/late-proofs': { as: 'admin' },
  '/api/admin/instant-payouts/bank-credits': { as: 'admin' },
  '/api/admin/instant-payouts/{id}': { as: 'admin', of: 'instantPayout', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/instant-payouts/{id}/explain': { as: 'admin', of: 'instantPayout', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/instant-payouts/batches/{id}/explain': { as: 'admin', of: 'batch', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/payins/{id}/explain': { as: 'admin', of: 'payin', filters: ['at=2999-01-01T00:00:00Z'] },
  '/api/admin/payout-requests': { as: 'admin' },
  '/api/admin/payout-runs': { as: 'admin' },
  '/api/admin/payout-runs/{id}': { as: 'admin', of: 'run' },
  '/api/admin/ipn': { as: 'admin', filters: ['state=orphan', 'state=received', 'state=applied'] },
  '/api/admin/merchants': { as: 'admin' },
  '/api/admin/merchants/{id}': { as: 'admin', of: 'merchant' },
  '/api/admin/merchants/{id}/api-keys': { as: 'admin', of: 'merchant' },
  '/api/admin/merchants/{id}/provider-keys': { as: 'admin', of: 'merchant' },
  '/api/admin/debts': { as: 'admin' },
  '/api/admin/admins': { as: 'admin' },
  '/api/admin/audit': {
    as: 'admin',
    filters: ['admin=adm_1', 'admin=adm_nobody', 'target={merchant}', 'target={nobody}', 'admin=adm_nobody&target={merchant}'],
  },
  '/api/admin/notifications': {
    as: 'admin',
    filters: [
      'state=pending',
      'state=failed',
      'state=sent',
      'channel=push',
      'channel=email',
      'payoutId={providersPayout}',
      'state=failed&channel=push',
    ],
  },
  '/api/admin/push-subscriptions': { as: 'admin' },
};

/** Reads that ask no table, or all of them. */
export const OTHERS: Readonly<Record<string, string>> = {
  '/health': 'asks whether everything is there',
  '/api/v1/directory': 'is a table of the code',
  '/api/v1/stream': 'does not end; what it reads when it is resumed, tests/integration/eventAudience.test.ts looks at',
  '/api/v1/ws': 'the same',
  '/api/v1/payouts.csv': 'is the list, a page after the other',
  '/api/admin/payouts.csv': 'the same',
  '/console/session': 'is one row',
  '/console/sessions': 'are fifty rows at the most',
  '/api/v1/instant-payouts/batches/{id}/proof': 'reads a file; its row by the key of the slice',
  '/api/admin/instant-payouts/batches/{id}/proof': 'the same',
  '/api/pages/withdrawal': 'is one withdrawal and its slices, by their keys',
  '/api/pages/payin': 'is one payin, by its key',
  '/api/pages/stream': 'does not end; reads what the stream of one user reads',
  '/api/admin/psps': 'asks PSPs',
  '/api/admin/psps/{id}/banks': 'asks a PSP',
  '/api/admin/invariants': 'checks all the books',
};
