/**
 * Whoever reaches Temporal can start, update and signal our workflows, and complete or fail their activities. What was
 * not encrypted for this workflow is nobody's word: starts and updates are refused, signals dropped with a remark for an
 * operator, and an activity that somebody else has answered is asked again. Part of every bundle, by src/temporal/workerSettings.ts.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  getCurrentDetails,
  log,
  scheduleActivity,
  setCurrentDetails,
  sleep,
  TimeoutFailure,
  uuid4,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
  workflowInfo,
} from '@temporalio/workflow';
import { decideSignal } from '../src/payouts/rules/contract.ts';
import { STARTED_WITHOUT_ARGUMENTS } from '../src/temporal/rules/scheduled.ts';
import { heardAs, type Sent, sentFor } from '../src/temporal/rules/sentFor.ts';
import {
  answers,
  type FailedCall,
  type Marked,
  UNSIGNED_FAILURE,
  type Unsigned,
  unsigned,
  unwrapped,
  whyUnsigned,
} from '../src/temporal/rules/unsigned.ts';

/** From the Temporal UI or CLI, where nothing is encrypted. A payout of an installation where signals do not decide has no handler for it. */
const SENT_BY_HAND = decideSignal.name;

/** Before an activity is asked again whose answer was not ours: whoever goes on pretending must do so every time. */
const ASK_AGAIN_MS = 1_000;

export function interceptors(): WorkflowInterceptors {
  return { inbound: [inbound], outbound: [outbound] };
}

const inbound: WorkflowInboundCallsInterceptor = {
  async execute(input, next) {
    const { workflowType } = workflowInfo();
    if (input.args.length === 0 && STARTED_WITHOUT_ARGUMENTS.has(workflowType)) return await next(input);
    const sent = heardAs('start', workflowType, input.args);
    const mark = unsigned(sent);
    // That a key is missing here is our mistake: the task fails, and is tried again until it is there.
    if (mark && whyUnsigned(mark) === KEY_MISSING) throw new Error(refusal('start', mark));
    if (mark) throw refused(refusal('start', mark));
    return await next({ ...input, args: argsOf(sent) });
  },

  validateUpdate(input, next) {
    next({ ...input, args: updateArgs(input) });
  },

  async handleUpdate(input, next) {
    return await next({ ...input, args: updateArgs(input) });
  },

  async handleSignal(input, next) {
    const sent = heardAs('signal', input.signalName, input.args);
    const mark = unsigned(sent);
    if (!mark) return await next({ ...input, args: argsOf(sent) });
    if (input.signalName === SENT_BY_HAND) return await next({ ...input, args: input.args.map(plain) });
    remark(`a signal \`${input.signalName}\` was not heard: ${whyUnsigned(mark)}`);
  },
};

const outbound: WorkflowOutboundCallsInterceptor = {
  async scheduleActivity(input, next) {
    const { activityType, args, options } = input;
    const nonce = uuid4();
    try {
      const answer = await next({ ...input, args: sentFor('activity', activityType, args, nonce) });
      if (answers(answer, nonce)) return unwrapped(answer);
    } catch (error) {
      if (isOurs(error, nonce)) throw error;
    }
    remark(`an answer to \`${activityType}\` was not ours, and does not count`);
    // What may be asked only once has no answer now; who asked knows what that means.
    if (options.retry?.maximumAttempts === 1) throw refused(`nobody of ours has answered ${activityType}`);
    await sleep(ASK_AGAIN_MS, { summary: 'an answer was not ours: ask again' });
    return await scheduleActivity(activityType, args, options, input.typeInfo);
  },

  /** Who asked must ask again in another way: a stranger's worker that took the workflow's task may have written anything. */
  async scheduleLocalActivity(input, next) {
    const { activityType, args } = input;
    const nonce = uuid4();
    let answer: unknown;
    try {
      answer = await next({ ...input, args: sentFor('activity', activityType, args, nonce) });
    } catch (error) {
      if (isOurs(error, nonce)) throw error;
    }
    if (answers(answer, nonce)) return unwrapped(answer);
    const mark = unsigned(answer);
    if (mark && whyUnsigned(mark) === KEY_MISSING) throw new Error(`the answer to ${activityType} cannot be read`);
    remark(`an answer to \`${activityType}\` was not ours, and does not count`);
    throw refused(`nobody of ours has answered ${activityType}`);
  },

  continueAsNew(input, next) {
    return next({ ...input, args: sentFor('start', input.options.workflowType, input.args) });
  },
};

const KEY_MISSING: Unsigned = 'no key of ours has the name of its own';

const argsOf = (sent: Sent | Marked): unknown[] => [...(sent as Sent).args];

function updateArgs({ name, args }: { readonly name: string; readonly args: readonly unknown[] }): unknown[] {
  const sent = heardAs('update', name, args);
  const mark = unsigned(sent);
  if (mark) throw refused(refusal('update', mark));
  return argsOf(sent);
}

/** Of a copy of something of ours nothing is heard, not even by hand. */
const plain = (value: unknown): unknown => unsigned(value)?.value;

const refusal = (what: string, mark: Marked): string => `this ${what} is not ours: ${whyUnsigned(mark)}`;

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.create({ message, type: UNSIGNED_FAILURE, nonRetryable: true, category: 'BENIGN' });

/** Timeouts and cancellations are the server's word. All else an activity of ours says encrypted, to this very call. */
function isOurs(error: unknown, nonce: string): boolean {
  if (!(error instanceof ActivityFailure)) return true;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return (cause as FailedCall).answerTo === nonce;
  return cause instanceof TimeoutFailure || cause instanceof CancelledFailure;
}

/** Until the workflow next says how it stands, below that. One is enough: the history keeps them all. */
function remark(text: string): void {
  log.warn(text);
  setCurrentDetails(`${getCurrentDetails().split(`\n\n${REMARK}`)[0]}\n\n${REMARK}${text}`);
}

const REMARK = '⚠ ';
