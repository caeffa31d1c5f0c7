/**
 * What may be asked of a payout's workflow, checked where it comes in: a closed set of commands, and the signals. Every
 * text among it can be stored, and no name from outside reaches a table but through `Map`.
 */
import { freeTextFault } from '../../rules/text.ts';
import {
  type Claim,
  type Command,
  type CommandOrder,
  claimOf,
  type Decision,
  type DispatchOrder,
  type PspNotice,
} from './contract.ts';

const NOTE_MAX = 500;
const ATTEMPTS_MAX = 999_999_999; // as many as a reference at a PSP can name (ids.ts)
const UNPROVEN_MAX = 1_000; // far more than any payout has
const ID = /^[A-Za-z0-9_-]{1,64}$/;

type Check = (value: unknown) => boolean;

const id: Check = (value) => typeof value === 'string' && ID.test(value);
const note: Check = (value) => freeTextFault(value, 0, NOTE_MAX) === undefined;
const noteOrNull: Check = (value) => value === null || note(value);
const attempt: Check = (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= ATTEMPTS_MAX;
const attemptsIfAny: Check = (value) =>
  value === undefined || (Array.isArray(value) && value.length <= UNPROVEN_MAX && value.every(attempt));

/** What each command says besides its type; nothing else. */
const COMMANDS: ReadonlyMap<unknown, Readonly<Record<string, Check>>> = new Map<Command['type'], Record<string, Check>>([
  ['approved', { adminId: id, note: noteOrNull }],
  ['rejected', { adminId: id, reason: note }],
  ['held', { adminId: id, reason: note }],
  ['hold_lifted', { adminId: id }],
  ['resolved_paid', { adminId: id, evidence: note, attempts: attemptsIfAny }],
  ['resolved_not_paid', { adminId: id, evidence: note, attempts: attemptsIfAny }],
  ['acknowledged', { adminId: id, note }],
  ['hurried', { adminId: id, note: noteOrNull }],
  ['look_up_asked', { adminId: id, note: noteOrNull }],
  ['given_up', { adminId: id, note: noteOrNull }],
  ['routed', { adminId: id, psp: id, note: noteOrNull }],
  ['cancelled', { by: id }],
]);

/** Undefined: it is none. */
export function commandOrderIn(value: unknown): CommandOrder | undefined {
  const { updateId, sequence, command } = fieldsOf(value);
  if (!id(updateId) || !Number.isSafeInteger(sequence) || !isCommand(command)) return undefined;
  return { updateId: updateId as string, sequence: sequence as number, command };
}

function isCommand(value: unknown): value is Command {
  const { type, ...data } = fieldsOf(value);
  const checks = COMMANDS.get(type);
  if (!checks) return false;
  return (
    Object.entries(checks).every(([name, check]) => check(data[name])) &&
    Object.keys(data).every((name) => Object.hasOwn(checks, name))
  );
}

const DECISIONS: ReadonlyMap<unknown, 'approved' | 'rejected'> = new Map([
  ['approve', 'approved'],
  ['reject', 'rejected'],
]);

export interface Decided {
  readonly type: 'approved' | 'rejected';
  readonly adminId: string;
  readonly note: string | null;
}

/** Typed by a person into the Temporal UI: what is wrong with it is told in words. */
export function decisionIn(value: unknown): Decided | { readonly fault: string } {
  const { admin, decision, note: said = null } = fieldsOf(value) as Partial<Record<keyof Decision, unknown>>;
  if (!id(admin)) return { fault: '`admin` is nobody who may approve' };
  const type = DECISIONS.get(decision);
  if (type === undefined) return { fault: '`decision` must be "approve" or "reject"' };
  if (!noteOrNull(said)) return { fault: '`note` must be a text of one line, of at most 500 characters' };
  return { type, adminId: admin as string, note: said as string | null };
}

export function noticeIn(value: unknown): PspNotice | undefined {
  const { messageId, attempt: of, claim } = fieldsOf(value);
  if (!id(messageId) || !attempt(of)) return undefined;
  const word: Claim = typeof claim === 'string' ? claimOf(claim) : null;
  return { messageId: messageId as string, attempt: of as number, claim: word };
}

export function dispatchIn(value: unknown): DispatchOrder | undefined {
  const { runId } = fieldsOf(value);
  return id(runId) ? { runId: runId as string } : undefined;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
