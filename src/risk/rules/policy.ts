/** The limits that decide which provider payouts a person must look at: data, versioned, a merchant's own or the installation's. */

export interface RiskPolicy {
  /** Per currency, minor units: more than this is looked at. A currency without a limit has none. */
  readonly amountLimitMinor: Readonly<Record<string, string>>;
  /** Fewer completed payouts than this are looked at. */
  readonly minSuccesses: number;
  /** More failed payouts than this within `failureWindowDays` are looked at. */
  readonly maxRecentFailures: number;
  readonly failureWindowDays: number;
  /** Bank details that changed less than so many days ago are looked at. */
  readonly bankChangeDays: number;
  /** From so many requests in 24 hours on, more than `velocityTimes` the daily mean of 30 days are looked at. */
  readonly velocityMinRequests: number;
  readonly velocityTimes: number;
  /** More than so many times the mean of the last ten completed payouts is looked at. */
  readonly amountTimesMean: number;
}

/** A policy with its place: a payout keeps both, so that it can be told by which rules it was decided. */
export interface PolicyVersion {
  readonly version: number;
  /** '' is the installation's. */
  readonly merchantId: string;
  readonly rules: RiskPolicy;
}

/** What holds until somebody stores another: it has no row in `risk_policies`, where versions begin at 2. */
export const BUILT_IN_POLICY: PolicyVersion = {
  version: 1,
  merchantId: '',
  rules: {
    amountLimitMinor: { NGN: '5000000' },
    minSuccesses: 3,
    maxRecentFailures: 1,
    failureWindowDays: 30,
    bankChangeDays: 7,
    velocityMinRequests: 5,
    velocityTimes: 3,
    amountTimesMean: 5,
  },
};

/** Failures older than this are not among the facts, so no window may be longer. */
export const FAILURE_HISTORY_DAYS = 90;
/** So many of the newest failures are among the facts, so no policy may allow as many. */
export const FAILURES_KEPT = 20;

/** Whole numbers within which a policy's limits must be; 0 and the upper ends switch a rule off where that is sensible. */
export const POLICY_BOUNDS = {
  minSuccesses: { min: 0, max: 1_000 },
  maxRecentFailures: { min: 0, max: FAILURES_KEPT - 1 },
  failureWindowDays: { min: 1, max: FAILURE_HISTORY_DAYS },
  bankChangeDays: { min: 0, max: 365 },
  velocityMinRequests: { min: 1, max: 1_000_000 },
  velocityTimes: { min: 1, max: 1_000 },
  amountTimesMean: { min: 1, max: 1_000_000 },
} as const satisfies Record<Exclude<keyof RiskPolicy, 'amountLimitMinor'>, { min: number; max: number }>;
