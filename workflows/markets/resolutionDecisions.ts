/** What people decide on a resolution: the update `decide`, and the signal of the same name. */
import { ApplicationFailure, condition, currentUpdateInfo, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import { decideUpdate } from '../../src/markets/rules/contract.ts';
import {
  type Decision,
  type DecisionAnswer,
  type DecisionOrder,
  decisionBySignal,
  decisionOrderIn,
} from '../../src/markets/rules/decision.ts';
import { decideSignal, type Decision as SentByHand } from '../../src/payouts/rules/contract.ts';
import { decideResolution } from './resolutionBooks.ts';
import type { ResolutionView } from './resolutionView.ts';

export interface DecisionPorts {
  readonly resolutionId: string;
  readonly marketId: string;
  readonly allowSignalDecisions: boolean;
  readonly view: ResolutionView;
  /** Something may have changed in the books. */
  tell(): void;
}

/** Registers the handlers. What is decided is decided by the books (decide_resolution): which states it has a place in, they know. */
export function takeDecisions({ resolutionId, marketId, allowSignalDecisions, view, tell }: DecisionPorts): void {
  setHandler(decideUpdate, decide, { validator: refuseStrange });
  if (allowSignalDecisions) {
    setHandler(decideSignal, decideBySignal, {
      description: 'approve or reject: {"admin":"adm_…","decision":"approve"}, or "reject"; "note" if you like',
    });
  }
  setDefaultSignalHandler((name) => view.remark(`a signal \`${name}\` was not heard: nothing here listens to it`));

  async function decide(said: DecisionOrder): Promise<DecisionAnswer> {
    await condition(() => view.seen() !== undefined);
    const order = decisionOrderIn(said);
    // A run knows only its own updates: of one before it nobody could tell whether it was obeyed.
    if (!order || order.sequence < (view.openedAt() ?? 0)) return { outcome: 'wrong_state' };
    const { updateId, adminId, decision } = order;
    return await put(adminId, decision, updateId, 'api');
  }

  /** From the Temporal UI or CLI. Whoever can send signals can name any admin: an installation may switch this door off. */
  async function decideBySignal(said: SentByHand): Promise<void> {
    await condition(() => view.seen() !== undefined);
    const read = decisionBySignal(said);
    const refusal = 'fault' in read ? read.fault : REFUSALS[(await put(read.adminId, read.decision, read.key, 'signal')).outcome];
    if (refusal !== undefined) view.remark(`the last signal \`decide\` changed nothing: ${refusal}`);
  }

  async function put(adminId: string, decision: Decision, key: string, via: 'api' | 'signal'): Promise<DecisionAnswer> {
    const options = { summary: decision.kind };
    const answer = await decideResolution.executeWithOptions(options, [{ resolutionId, marketId, adminId, key, via, decision }]);
    if (answer.outcome === 'done' || answer.outcome === 'already') tell();
    return answer;
  }
}

/** A signal has no answer; why it came to nothing is said where its sender looks next. */
const REFUSALS: Readonly<Record<DecisionAnswer['outcome'], string | undefined>> = {
  done: undefined,
  already: undefined,
  wrong_state: 'wrong_state',
  self_approval: 'self_approval',
  already_decided: 'already_decided',
  already_rolled_back: 'already_rolled_back',
  not_allowed: '`admin` is nobody who may approve',
};

/** What cannot be right is refused before it enters the history. What only the books know, they refuse themselves. */
function refuseStrange(said: DecisionOrder): void {
  const order = decisionOrderIn(said);
  // Copied from the history, it comes under another id; under its own one the server answers what it answered before.
  if (order && order.updateId === currentUpdateInfo()?.id) return;
  const message = order ? 'this was said before' : 'this is no decision';
  throw ApplicationFailure.create({ type: 'wrong_state', message, nonRetryable: true, category: 'BENIGN' });
}
