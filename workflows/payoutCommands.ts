/** What people and runs ask of a payout: the update `command`, and the signals `decide` and `dispatch`. */
import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import { isId } from '../src/domain/ids.ts';
import {
  type Command,
  type CommandAnswer,
  commandUpdate,
  type Decision,
  type DispatchOrder,
  decideSignal,
  dispatchSignal,
  type Fact,
} from '../src/domain/payout/contract.ts';
import { edgeOf, type FactType } from '../src/domain/payout/machine.ts';
import { ledger } from './ledgerCalls.ts';
import type { PayoutDoor } from './payoutDoor.ts';

/** What a command needs of the door. */
export type CommandDoor = Pick<PayoutDoor, 'seen' | 'isBehind' | 'apply' | 'applyAsked' | 'remark'>;

export interface CommandsPorts {
  /** Whether it is known if the payout was taken in. */
  isOpened(): boolean;
  /** Undefined until then, and for ever where it was refused. */
  door(): CommandDoor | undefined;
  readonly allowSignalDecisions: boolean;
}

/** Registers the handlers. Whatever comes before the payout is opened waits for that. */
export function takeCommands({ isOpened, door: doorNow, allowSignalDecisions }: CommandsPorts): void {
  const deciders = new Set<string>();

  setHandler(commandUpdate, obey, { validator: (command) => refuseEarly(command, doorNow(), deciders) });
  setHandler(dispatchSignal, dispatch, { description: 'sent by a payout run' });
  if (allowSignalDecisions) {
    setHandler(decideSignal, decideBySignal, {
      description: 'approve or reject: {"admin":"adm_…","decision":"approve"}, or "reject"; "note" if you like',
    });
  }

  async function obey(command: Command): Promise<CommandAnswer> {
    await condition(isOpened);
    const door = doorNow();
    if (!door) return { outcome: 'wrong_state' };
    const { type, ...data } = command;
    const answer = await door.applyAsked({ type, ...data, attempt: door.seen().attempt }, actorOf(command));
    if (answer.outcome === 'applied' || answer.outcome === 'already') {
      if ('adminId' in command) deciders.add(command.adminId);
      return { outcome: 'done', payout: answer.payout };
    }
    return {
      outcome: answer.outcome === 'self_approval' || answer.outcome === 'already_decided' ? answer.outcome : 'wrong_state',
    };
  }

  /** A run has come to this payout. Held, cancelled or in a run already: the ledger refuses, and nothing changes. */
  async function dispatch({ runId }: DispatchOrder): Promise<void> {
    await condition(isOpened);
    await doorNow()?.apply({ type: 'dispatched', runId }, 'system');
  }

  /** From the Temporal UI or CLI. Whoever can send signals can name any admin: an installation may switch this door off. */
  async function decideBySignal(decision: Decision): Promise<void> {
    await condition(isOpened);
    const door = doorNow();
    const refusal = door && (await refusalOf(decision, door));
    if (refusal) door?.remark(`the last signal \`decide\` changed nothing: ${refusal}`);
  }
}

/** A signal has no answer; why it came to nothing is said where its sender looks next. */
async function refusalOf(decision: Decision, door: CommandDoor): Promise<string | undefined> {
  if (typeof decision?.admin !== 'string' || !(await ledger.mayApprove(decision.admin)))
    return '`admin` is nobody who may approve';
  const reason = String(decision.note ?? 'by signal');
  const facts: Record<string, Fact> = {
    approve: { type: 'approved', adminId: decision.admin, via: 'signal', reason },
    reject: { type: 'rejected', adminId: decision.admin, via: 'signal', reason },
  };
  const fact = facts[decision.decision];
  if (!fact) return '`decision` must be "approve" or "reject"';
  const { outcome } = await door.apply(fact, `admin:${decision.admin}`);
  return outcome === 'applied' || outcome === 'already' ? undefined : outcome;
}

/** A click that cannot be right is refused before it enters the history. What only the ledger knows, it refuses itself. */
function refuseEarly(command: Command, door: CommandDoor | undefined, deciders: ReadonlySet<string>): void {
  if (!door || door.isBehind()) return;
  const { state } = door.seen();
  if (edgeOf(state, command.type as FactType)) return;
  const decided = 'adminId' in command && deciders.has(command.adminId) && ['approved', 'rejected'].includes(command.type);
  throw ApplicationFailure.create({
    type: decided ? 'already_decided' : 'wrong_state',
    message: `${command.type} has no place in state ${state}`,
    nonRetryable: true,
    category: 'BENIGN',
  });
}

function actorOf(command: Command): string {
  if ('adminId' in command) return `admin:${command.adminId}`;
  return `${isId('prv', command.by) ? 'provider' : 'merchant'}:${command.by}`;
}
