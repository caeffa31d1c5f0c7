/** A world as a short text: equal for equal worlds, different for different ones. */
import type { PayoutBooks, ToldFact } from '../src/payouts/rules/books.ts';
import type { Mind } from '../src/payouts/rules/next.ts';
import type { PspKey } from './pspKey.ts';
import type { Task, World } from './world.ts';

export function pack(world: World): string {
  const { books, steps, runs, orphans, psp, messages, left } = world;
  const flags = `${world.attemptsBefore}${+world.isLate}${+world.isPaused}${world.acknowledged.join()}`;
  const done = steps.map(({ fact, attempt, sequence }) => `${fact}:${attempt}:${sequence}`).join();
  const work = runs.map(({ kind, mind, tasks }) => `${kind}${packMind(mind)}${tasks.map(packTask).join()}`).join('+');
  const stored = messages
    .map(({ id, attempt, claim, returns, isContradicted }) => `${id}:${attempt}:${claim}${returns}${+isContradicted}`)
    .join();
  return [
    flags,
    packBooks(books),
    done,
    work,
    orphans.map(packTask).join(),
    psp.map(packKey).join(),
    stored,
    Object.values(left).join(''),
  ].join('|');
}

const packBooks = ({
  state,
  sequence,
  round,
  attempts,
  returns,
  needsOperator,
  waitsForPause,
  deciders,
  run,
}: PayoutBooks): string =>
  `${state}:${sequence}:${round}:${returns}:${+needsOperator}${+waitsForPause}:${deciders.length}:${run}:${attempts
    .map((row) => `${row.state}${row.proof}${+row.named}${+row.isSent}${row.unknownAt}.${row.toldAt}`)
    .join()}`;

const packMind = ({
  seen,
  round,
  notices,
  confirming,
  resends,
  notFoundAt,
  silentAt,
  checkedRound,
  parkedAt,
  again,
  heldBackUntilMs,
}: Mind): string => {
  const { state, sequence, attempt, attemptsBefore, attemptOpen, unproven, runId, outcomeUntil } = seen;
  const known = `${state}:${sequence}:${seen.round}:${attempt}:${attemptsBefore}:${+attemptOpen}:${unproven.join('')}:${+(runId !== null)}${+(outcomeUntil !== null)}`;
  const heard = [notices, ...confirming.map((each) => each.notices)]
    .map((each) => each.map(({ messageId }) => messageId).join(''))
    .join(';');
  return `(${known}:${round}:${heard}:${resends}:${notFoundAt}:${silentAt}:${checkedRound}:${parkedAt}:${again.join('')}:${+(heldBackUntilMs > 0)})`;
};

export function packTask(task: Task): string {
  if (task.what === 'own') return `o${packFact(task.fact)}:${task.sequence}`;
  const about = `${task.attempt}:${task.sequence}:${task.step}:${task.askedAt}:${task.facts.map(packFact).join('&')}`;
  return task.what === 'submit'
    ? `s${+task.isResend}${about}`
    : `l${task.why}${task.known}${+task.isDoubted}${+task.isBehind}${about}`;
}

const packFact = ({ type, attempt, named, source, askedAt, implied, needsOperator }: ToldFact): string =>
  `${type}.${attempt}.${+(named ?? false)}${source}.${askedAt}.${+(implied ?? false)}${+(needsOperator ?? false)}`;

const packKey = (key: PspKey): string =>
  `${key.status}${+key.mayRetry}${+key.isOdd}${+key.lied}${+key.lags}${key.shows}${+key.isSilent}${+key.isForgotten}${key.twins}${+key.owesMessage}`;
