/** What people and runs ask of a payout: the update `command`, and the signals `decide` and `dispatch`. */
import { ApplicationFailure, condition, currentUpdateInfo, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import { commandOrderIn, decisionIn, dispatchIn, noticeIn } from '../../src/payouts/rules/asked.ts';
import {
  type Command,
  type CommandAnswer,
  type CommandOrder,
  commandUpdate,
  type Decision,
  type DispatchOrder,
  decideSignal,
  dispatchSignal,
  type Fact,
  type PayoutRecord,
  type PspNotice,
  pspNoticeSignal,
} from '../../src/payouts/rules/contract.ts';
import { edgeOf, STATES } from '../../src/payouts/rules/machine.ts';
import type { PayoutDoor } from './payoutDoor.ts';

/** What a command needs of the door. */
export type CommandDoor = Pick<PayoutDoor, 'seen' | 'openedAt' | 'isBehind' | 'apply' | 'applyAsked' | 'remark'>;

export interface CommandsPorts {
  /** Whether it is known if the payout was taken in. */
  isOpened(): boolean;
  /** Undefined until then, and for ever where it was refused. */
  door(): CommandDoor | undefined;
  /** Somebody has asked that it goes on at once. */
  hurry(): void;
  readonly allowSignalDecisions: boolean;
}

/** Registers the handlers. Whatever comes before the payout is opened waits for that. */
export function takeCommands({ isOpened, door: doorNow, hurry, allowSignalDecisions }: CommandsPorts): void {
  const deciders = new Set<string>();

  setHandler(commandUpdate, obey, { validator: (order) => refuseEarly(order, doorNow(), deciders) });
  setHandler(dispatchSignal, dispatch, { description: 'sent by a payout run' });
  if (allowSignalDecisions) {
    setHandler(decideSignal, decideBySignal, {
      description: 'approve or reject: {"admin":"adm_…","decision":"approve"}, or "reject"; "note" if you like',
    });
  }
  setDefaultSignalHandler((name) => doorNow()?.remark(`a signal \`${name}\` was not heard: nothing here listens to it`));

  async function obey(order: CommandOrder): Promise<CommandAnswer> {
    await condition(isOpened);
    const door = doorNow();
    const { command, sequence = 0 } = commandOrderIn(order) ?? {};
    // Once more: it may have come before the door was open.
    if (!door || !command || isOfEarlierRun(sequence, door)) return { outcome: 'wrong_state' };
    const { outcome, payout } = await door.applyAsked(
      { ...command, attempt: door.seen().attempt },
      actorOf(command, door.seen()),
    );
    switch (outcome) {
      case 'applied':
      case 'already':
        if ('adminId' in command) deciders.add(command.adminId);
        if (HURRIES.has(command.type)) hurry();
        return { outcome: 'done', sequence: payout.sequence };
      case 'self_approval':
      case 'already_decided':
      case 'not_allowed':
      case 'attempt_alive':
        return { outcome };
      case 'unproven_attempts':
        return { outcome, attempts: payout.unproven };
      default:
        return { outcome: 'wrong_state' };
    }
  }

  /** A run has come to this payout. Held, cancelled or in a run already: the ledger refuses, and nothing changes. */
  async function dispatch(order: DispatchOrder): Promise<void> {
    await condition(isOpened);
    const { runId } = dispatchIn(order) ?? {};
    if (runId !== undefined) await doorNow()?.apply({ type: 'dispatched', runId }, 'system');
  }

  /** From the Temporal UI or CLI. Whoever can send signals can name any admin: an installation may switch this door off. */
  async function decideBySignal(decision: Decision): Promise<void> {
    await condition(isOpened);
    const door = doorNow();
    const refusal = door && (await refusalOf(decision, door));
    if (refusal) door?.remark(`the last signal \`decide\` changed nothing: ${refusal}`);
  }
}

/** After which it waits no longer. */
const HURRIES: ReadonlySet<Command['type']> = new Set(['hurried', 'look_up_asked', 'routed']);

/** "The PSP has told us something": kept for whoever looks it up. One that names no message of ours is none. */
export function hearNotices(hear: (notice: PspNotice) => void): void {
  setHandler(
    pspNoticeSignal,
    (said) => {
      const notice = noticeIn(said);
      if (notice) hear(notice);
    },
    { description: 'sent by the API when the PSP has called back' },
  );
}

/** A signal has no answer; why it came to nothing is said where its sender looks next. */
async function refusalOf(decision: Decision, door: CommandDoor): Promise<string | undefined> {
  const read = decisionIn(decision);
  if ('fault' in read) return read.fault;
  const { type, adminId, note } = read;
  const fact: Fact = { type, adminId, via: 'signal', note };
  const { outcome } = await door.applyAsked(fact, `admin:${adminId}`);
  if (outcome === 'not_allowed') return '`admin` is nobody who may approve';
  return outcome === 'applied' || outcome === 'already' ? undefined : outcome;
}

/** What cannot be right is refused before it enters the history. What only the ledger knows, it refuses itself. */
function refuseEarly(said: CommandOrder, door: CommandDoor | undefined, deciders: ReadonlySet<string>): void {
  const order = commandOrderIn(said);
  if (!order) throw refused('wrong_state', 'this is no command');
  const { command, updateId, sequence } = order;
  // Copied from the history, it comes under another id; under its own one the server answers what it answered before.
  if (updateId !== currentUpdateInfo()?.id) throw refused('wrong_state', 'this command was given before');
  if (!door || door.isBehind()) return;
  // Seen in the books, and not by this run: a task that was lost with its worker had written it down. The books decide.
  if (sequence > door.seen().sequence) return;
  if (isOfEarlierRun(sequence, door)) throw refused('wrong_state', 'this command was given before this run began');
  const { state } = door.seen();
  if (command.type === 'acknowledged' || edgeOf(state, command.type)) return;
  if (command.type === 'routed' && STATES[state].inFlight) throw refused('attempt_alive', 'a request may be on the wire');
  const decided = 'adminId' in command && deciders.has(command.adminId) && ['approved', 'rejected'].includes(command.type);
  throw refused(decided ? 'already_decided' : 'wrong_state', `${command.type} has no place in state ${state}`);
}

/** A run knows only its own updates: of one before it nobody could tell whether it was obeyed. */
const isOfEarlierRun = (sequence: number, { openedAt }: CommandDoor): boolean => sequence < openedAt;

const refused = (type: 'already_decided' | 'wrong_state' | 'attempt_alive', message: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: true, category: 'BENIGN' });

/** Only whose payout it is may ask for what no admin asks for (activities/payouts/authority.ts). */
function actorOf(command: Command, { kind }: Pick<PayoutRecord, 'kind'>): string {
  return 'adminId' in command ? `admin:${command.adminId}` : `${kind}:${command.by}`;
}
