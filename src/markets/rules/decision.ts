/** What people say of a resolution: a closed set, who may say it, and its shape where it comes in. */
import { decisionIn } from '../../payouts/rules/asked.ts';
import { ACTION_ROLES, type Role } from '../../rules/roles.ts';
import { freeTextFault } from '../../rules/text.ts';

/**
 *   approve · reject      IN_REVIEW, by an approver who is not the resolver
 *   uphold · overturn     DISPUTED, by an approver who is not the resolver; what it is overturned to is reviewed as any outcome is
 *   rollback              COMPLETED or PAYING_STOPPED, by an approver who is not the resolver
 *   retry · acknowledge   by an operator
 */
export type Decision =
  | { readonly kind: 'approve'; readonly note: string | null }
  | { readonly kind: 'reject'; readonly reason: string }
  | { readonly kind: 'uphold' }
  | { readonly kind: 'overturn'; readonly to: string }
  | { readonly kind: 'rollback'; readonly reason: string }
  | { readonly kind: 'retry' }
  | { readonly kind: 'acknowledge'; readonly note: string };

/** The lowest role for each. That a resolver may not decide on the own word the books themselves know. */
export const DECISION_ROLES: Readonly<Record<Decision['kind'], Role>> = {
  approve: ACTION_ROLES.approve,
  reject: ACTION_ROLES.reject,
  uphold: ACTION_ROLES.judgeDispute,
  overturn: ACTION_ROLES.judgeDispute,
  rollback: ACTION_ROLES.rollBack,
  retry: ACTION_ROLES.retry,
  acknowledge: ACTION_ROLES.acknowledge,
};

/** What the workflow is asked. */
export interface DecisionOrder {
  /** The update's own id: a copy under another one is nobody's word. */
  readonly updateId: string;
  /** The number of the newest event that whoever decides had seen. */
  readonly sequence: number;
  readonly adminId: string;
  readonly decision: Decision;
}

export const DECISION_OUTCOMES = [
  'done', 'already', 'wrong_state', 'self_approval', 'already_decided', 'already_rolled_back', 'not_allowed',
] as const; // biome-ignore format: a list

export interface DecisionAnswer {
  readonly outcome: (typeof DECISION_OUTCOMES)[number];
}

/** What an operator writes, at most. */
export const REMARK_MAX = 500;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
/** As `word` of the door (src/http/documented.ts): whether there is such an option the books know. */
const OUTCOME = /^[\x20-\x7e]{1,128}$/;

type Check = (value: unknown) => boolean;

const remark: Check = (value) => freeTextFault(value, 0, REMARK_MAX) === undefined;

/** What each says besides its kind; nothing else. */
const SAYS: ReadonlyMap<unknown, Readonly<Record<string, Check>>> = new Map<Decision['kind'], Record<string, Check>>([
  ['approve', { note: (value) => value === null || remark(value) }],
  ['reject', { reason: remark }],
  ['uphold', {}],
  ['overturn', { to: (value) => typeof value === 'string' && OUTCOME.test(value) }],
  ['rollback', { reason: remark }],
  ['retry', {}],
  ['acknowledge', { note: remark }],
]);

/** Undefined: it is none. */
export function decisionOrderIn(value: unknown): DecisionOrder | undefined {
  const { updateId, sequence, adminId, decision } = fieldsOf(value);
  if (!isId(updateId) || !isId(adminId) || !isNumber(sequence) || !isDecision(decision)) return undefined;
  return { updateId, sequence, adminId, decision };
}

const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);
const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);

function isDecision(value: unknown): value is Decision {
  const { kind, ...says } = fieldsOf(value);
  const checks = SAYS.get(kind);
  if (!checks) return false;
  return (
    Object.entries(checks).every(([name, check]) => check(says[name])) &&
    Object.keys(says).every((name) => Object.hasOwn(checks, name))
  );
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export interface SignalledDecision {
  readonly adminId: string;
  readonly decision: Decision;
  /** A signal has no id of its own: who says the same again says it once. */
  readonly key: string;
}

/** Typed by a person into the Temporal UI, in the words that decide on a payout: what is wrong with it is told in words. */
export function decisionBySignal(value: unknown): SignalledDecision | { readonly fault: string } {
  const read = decisionIn(value);
  if ('fault' in read) return read;
  const { type, adminId, note } = read;
  const decision: Decision =
    type === 'approved' ? { kind: 'approve', note } : { kind: 'reject', reason: note ?? 'no reason was given' };
  return { adminId, decision, key: `signal:${adminId}:${decision.kind}` };
}
