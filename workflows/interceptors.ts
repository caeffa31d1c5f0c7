/**
 * Whoever reaches Temporal can start, update and signal our workflows, and complete or fail their activities. What was
 * not encrypted for this workflow is nobody's word: starts and updates are refused, signals dropped with a remark for an
 * operator, and an activity that somebody else has answered is asked again. Part of every bundle, by src/temporal/workerSettings.ts.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  getCurrentDetails,
  log,
  scheduleActivity,
  setCurrentDetails,
  sleep,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow';
import { decideSignal } from '../src/domain/payout/contract.ts';
import { isWrapped, type Marked, UNSIGNED_FAILURE, unsigned, unwrapped, whyUnsigned } from '../src/domain/unsigned.ts';
import { retryNowSignal } from '../src/domain/webhookDelivery.ts';

/**
 * Started by a Schedule, which adds the time to their ids: nothing can be encrypted for them, so they take nothing. Whoever
 * starts one by hand makes it work earlier, as the Schedule's own button does.
 */
const STARTED_WITHOUT_ARGUMENTS: ReadonlySet<string> = new Set([
  'removeExpiredKeys',
  'takeUpOpenPayouts',
  'checkBooks',
  'payoutRun',
  'handOnMessages',
]);

/**
 * From the Temporal UI or CLI, where nothing is encrypted. A payout of an installation where signals do not decide has no
 * handler for the one; the other takes nothing, and no money hangs on it.
 */
const SENT_BY_HAND: ReadonlySet<string> = new Set([decideSignal.name, retryNowSignal.name]);

/** Before an activity is asked again whose answer was not ours: whoever goes on pretending must do so every time. */
const ASK_AGAIN_MS = 1_000;

export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        async execute(input, next) {
          const mark = firstMark(input.args);
          // That a key is missing here is our mistake: the task fails, and is tried again until it is there.
          if (mark && whyUnsigned(mark) === 'no key of ours has the name of its own') throw new Error(refusal('start', mark));
          const isBare = input.args.length === 0 && !STARTED_WITHOUT_ARGUMENTS.has(workflowInfo().workflowType);
          if (mark || isBare) throw refused(refusal('start', mark));
          return await next(input);
        },

        validateUpdate(input, next) {
          const mark = firstMark(input.args);
          if (mark || input.args.length === 0) throw refused(refusal('update', mark));
          next(input);
        },

        async handleSignal(input, next) {
          const mark = firstMark(input.args);
          if (!mark) return await next(input);
          if (SENT_BY_HAND.has(input.signalName)) return await next({ ...input, args: input.args.map(plain) });
          remark(`a signal \`${input.signalName}\` was not heard: ${whyUnsigned(mark)}`);
        },
      },
    ],
    outbound: [
      {
        async scheduleActivity(input, next) {
          const { activityType, args, options } = input;
          try {
            const answer = await next(input);
            if (isWrapped(answer)) return unwrapped(answer);
          } catch (error) {
            if (!isOfAStranger(error)) throw error;
          }
          remark(`an answer to \`${activityType}\` was not ours, and does not count`);
          // What may be asked only once has no answer now; who asked knows what that means.
          if (options.retry?.maximumAttempts === 1) throw refused(`nobody of ours has answered ${activityType}`);
          await sleep(ASK_AGAIN_MS, { summary: 'an answer was not ours: ask again' });
          return await scheduleActivity(activityType, args, options, input.typeInfo);
        },

        async scheduleLocalActivity(input, next) {
          const answer = await next(input);
          // Written by our own worker into the history, where nobody else can write: a key is missing here.
          if (!isWrapped(answer)) throw new Error(`the answer to ${input.activityType} cannot be read`);
          return unwrapped(answer);
        },
      },
    ],
  };
}

const firstMark = (args: readonly unknown[]): Marked | undefined => args.map(unsigned).find((mark) => mark !== undefined);

const plain = (value: unknown): unknown => {
  const mark = unsigned(value);
  return mark ? mark.value : value;
};

const refusal = (what: string, mark: Marked | undefined): string =>
  `this ${what} is not ours: ${mark ? whyUnsigned(mark) : 'it says nothing that is encrypted for this workflow'}`;

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.create({ message, type: UNSIGNED_FAILURE, nonRetryable: true, category: 'BENIGN' });

/** Timeouts and cancellations are the server's word. All else an activity of ours says encrypted. */
function isOfAStranger(error: unknown): boolean {
  const { cause } = error instanceof ActivityFailure ? error : { cause: undefined };
  return cause instanceof ApplicationFailure && cause.type === UNSIGNED_FAILURE;
}

/** Until the workflow next says how it stands, below that. One is enough: the history keeps them all. */
function remark(text: string): void {
  log.warn(text);
  setCurrentDetails(`${getCurrentDetails().split(`\n\n${REMARK}`)[0]}\n\n${REMARK}${text}`);
}

const REMARK = '⚠ ';
