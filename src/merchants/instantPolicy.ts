/** What is agreed with a merchant about its payees' withdrawals: in minutes, hours and days outside, in milliseconds inside. */
import { z } from 'zod';
import { CREDIT_ON, type InstantPolicy, readPolicy } from '../instant/rules/policy.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_HOURS = 24;

/** A time outside: which one it is inside, and how long one of its units is. */
const TIMES = {
  assignmentMinutes: { inside: 'assignmentMs', unitMs: MINUTE_MS, least: 1, most: DAY_HOURS * 60 },
  coolDownMinutes: { inside: 'coolDownMs', unitMs: MINUTE_MS, least: 0, most: 7 * DAY_HOURS * 60 },
  validateMinutes: { inside: 'validateMs', unitMs: MINUTE_MS, least: 1, most: DAY_HOURS * 60 },
  confirmHours: { inside: 'confirmMs', unitMs: HOUR_MS, least: 1, most: 30 * DAY_HOURS },
  fillHours: { inside: 'fillMs', unitMs: HOUR_MS, least: 1, most: 30 * DAY_HOURS },
} as const satisfies Record<string, { inside: keyof InstantPolicy; unitMs: number; least: number; most: number }>;

type TimeName = keyof typeof TIMES;
const TIME_NAMES = Object.keys(TIMES) as TimeName[];

const within = ({ least, most }: { readonly least: number; readonly most: number }) => z.int().min(least).max(most);

const times = {
  assignmentMinutes: within(TIMES.assignmentMinutes).meta({ description: 'From the assignment to the proof' }),
  coolDownMinutes: within(TIMES.coolDownMinutes).meta({
    description: 'So long a payer who let a slice run out gets no other one',
  }),
  validateMinutes: within(TIMES.validateMinutes).meta({ description: 'One operator has so long for a proof; then another' }),
  confirmHours: within(TIMES.confirmHours).meta({ description: 'So long the payee is waited for' }),
  fillHours: within(TIMES.fillHours).meta({ description: 'After so long no slice is given to anybody any more' }),
} satisfies Record<TimeName, z.ZodType>;

/** Counts have no upper bound that money depends on: these are above whatever makes sense. */
const COUNT_MOST = 1_000;
/** Ten years: what a law may ask for. */
const DAYS_MOST = 3_650;

const fields = {
  creditOn: z
    .enum(CREDIT_ON)
    .meta({ description: 'When a payer’s deposit is credited; the payee bears the loss of a wrong proof' }),
  unconfirmedMost: z
    .int()
    .min(0)
    .max(COUNT_MOST)
    .meta({ description: 'Under `proof`: of one payer’s, before a payee has confirmed' }),
  reassignMost: z.int().min(0).max(COUNT_MOST),
  imageDays: z.int().min(1).max(DAYS_MOST).meta({ description: 'Screenshots are kept so long; their hashes for ever' }),
  ...times,
};

export const instantPolicySchema = z
  .object(fields)
  .meta({ id: 'InstantPolicy', description: 'Of its payees’ withdrawals; each keeps what it was opened with' });

export const instantPolicyInput = z.strictObject(fields).partial();

type Given = z.infer<typeof instantPolicyInput>;

/** What is stored once this was given: what is not named stays as it was. */
export function changedPolicy(stored: unknown, given: Given = {}): Record<string, string | number> {
  const kept = typeof stored === 'object' && stored !== null ? (stored as Record<string, string | number>) : {};
  const { creditOn, unconfirmedMost, reassignMost, imageDays } = given;
  return {
    ...kept,
    ...(creditOn !== undefined && { creditOn }),
    ...(unconfirmedMost !== undefined && { unconfirmedMost }),
    ...(reassignMost !== undefined && { reassignMost }),
    ...(imageDays !== undefined && { imageDays }),
    ...Object.fromEntries(
      TIME_NAMES.flatMap((name) => {
        const value = given[name];
        return value === undefined ? [] : [[TIMES[name].inside, value * TIMES[name].unitMs]];
      }),
    ),
  };
}

export function presentPolicy(stored: unknown): z.infer<typeof instantPolicySchema> {
  const policy = readPolicy(stored);
  const { creditOn, unconfirmedMost, reassignMost, imageDays } = policy;
  const inUnits = (name: TimeName): number => policy[TIMES[name].inside] / TIMES[name].unitMs;
  return {
    creditOn,
    unconfirmedMost,
    reassignMost,
    imageDays,
    assignmentMinutes: inUnits('assignmentMinutes'),
    coolDownMinutes: inUnits('coolDownMinutes'),
    validateMinutes: inUnits('validateMinutes'),
    confirmHours: inUnits('confirmHours'),
    fillHours: inUnits('fillHours'),
  };
}
