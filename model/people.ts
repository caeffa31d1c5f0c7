/**
 * Merchants, approvers and operators, at any moment. What the ledger refuses them changes nothing and is no move. A person who
 * resolves an outcome has asked the PSP and tells the truth; an untrue resolution is beyond what an engine can mend.
 */
import { type ToldFact, unprovenOf } from '../src/payouts/rules/books.ts';
import { isFinal } from '../src/payouts/rules/machine.ts';
import type { Budget } from './bounds.ts';
import type { DeedName } from './deeds.ts';
import { write } from './door.ts';
import { brokenOf, hears, type Move, type Play, seenEvent, tellOf, withRun } from './work.ts';
import { keyOf, payoutRun, spend, standingOf, type World } from './world.ts';

const ADMIN = 'adm_1';

/** What is asked of a payout's workflow. */
const COMMANDS: readonly (readonly [DeedName, ToldFact])[] = [
  ['approves', { type: 'approved', adminId: ADMIN }],
  ['rejects', { type: 'rejected', adminId: ADMIN }],
  ['holds', { type: 'held', adminId: ADMIN }],
  ['lifts', { type: 'hold_lifted', adminId: ADMIN }],
  ['cancels', { type: 'cancelled' }],
  ['dispatches', { type: 'dispatched' }],
];

export function movesOfPeople(world: World, play: Play): Move[] {
  return [...movesOfPauses(world), ...movesOfControls(world, play), ...movesOfActs(world, play)];
}

const CONTROLS: readonly (readonly [DeedName, ToldFact])[] = [
  ['hurries', { type: 'hurried', adminId: ADMIN }],
  ['asks_look_up', { type: 'look_up_asked', adminId: ADMIN }],
  ['gives_up_waiting', { type: 'given_up', adminId: ADMIN }],
  ['routes', { type: 'routed', adminId: ADMIN }],
];

const movesOfControls = (world: World, play: Play): Move[] =>
  world.left.controls === 0 ? [] : CONTROLS.flatMap(([does, fact]) => command(world, play, does, fact, 'controls'));

/** Over this payout, whatever they are over besides. */
function movesOfPauses(world: World): Move[] {
  if (world.isPaused) return [{ deed: { does: 'resumes' }, after: { ...world, isPaused: false } }];
  if (world.left.pauses === 0) return [];
  return [{ deed: { does: 'pauses' }, after: { ...spend(world, 'pauses'), isPaused: true } }];
}

function movesOfActs(world: World, play: Play): Move[] {
  if (world.left.acts === 0) return [];
  const commands = COMMANDS.flatMap(([does, fact]) => command(world, play, does, fact));
  return [...commands, ...resolutions(world, play), ...acknowledgements(world, play), ...newRounds(world, play)];
}

function command(world: World, { rules }: Play, does: DeedName, fact: ToldFact, budget: Budget = 'acts'): Move[] {
  const run = payoutRun(world);
  if (!run) return [];
  const told = write(spend(world, budget), rules, fact, run.mind.seen.sequence);
  if (told.outcome !== 'applied') return [];
  const hurried = budget === 'controls' && fact.type !== 'given_up' ? [{ kind: 'hurried' } as const] : [];
  const after = hears(told.world, run, rules, seenEvent(told.world, run.mind.seen.sequence), ...hurried);
  return [{ deed: { does, fact: fact.type, ...tellOf(world, told) }, after, ...brokenOf(told) }];
}

/** With evidence: what the PSP's own book says, of an attempt of which no request is under way any more. */
function resolutions(world: World, play: Play): Move[] {
  if (world.books.state !== 'UNRESOLVED') return [];
  const attempts = unprovenOf(world.books);
  const isSure = !tasksOf(world).some((task) => task.what === 'submit' && attempts.includes(task.attempt));
  const paid = attempts.filter((attempt) => keyOf(world, attempt).status === 'paid');
  const areDead = attempts.every((attempt) => ['none', 'failed'].includes(keyOf(world, attempt).status));
  return [
    ...paid.flatMap((attempt) =>
      command(world, play, 'resolves_paid', { type: 'resolved_paid', adminId: ADMIN, attempts: [attempt] }),
    ),
    ...(areDead && isSure
      ? command(world, play, 'resolves_not_paid', { type: 'resolved_not_paid', adminId: ADMIN, attempts })
      : []),
  ];
}

const tasksOf = ({ runs, orphans }: World) => [...orphans, ...runs.flatMap(({ tasks }) => tasks)];

/** Of an open payout its workflow hears, and what was parked is tried again. */
function acknowledgements(world: World, { rules }: Play): Move[] {
  if (!world.books.needsOperator) return [];
  const told = write(spend(world, 'acts'), rules, { type: 'acknowledged', adminId: ADMIN }, world.books.sequence);
  if (told.outcome !== 'applied') return [];
  const run = payoutRun(told.world);
  const heard = run ? hears(told.world, run, rules, seenEvent(told.world, run.mind.seen.sequence)) : told.world;
  return [
    {
      deed: { does: 'acknowledges', fact: 'acknowledged', ...tellOf(world, told) },
      after: { ...heard, acknowledged: standingOf(heard) },
    },
  ];
}

/** Only once the workflow of the last round has ended. */
function newRounds(world: World, { rules, bounds }: Play): Move[] {
  if (!isFinal(world.books.state) || payoutRun(world) || world.books.round >= bounds.rounds) return [];
  const told = write(spend(world, 'acts'), rules, { type: 'reinitiated' }, 0);
  if (told.outcome !== 'applied') return [];
  return [
    {
      deed: { does: 'reinitiates', fact: 'reinitiated', ...tellOf(world, told) },
      after: withRun(told.world, 'payout'),
      ...brokenOf(told),
    },
  ];
}
