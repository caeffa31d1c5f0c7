/** The kill matrix: every boundary × victim × behaviour of each scenario. One installation a boundary, several side by side. */
import { behavioursAt, comesTo, settingsAt } from './boundaries.ts';
import { playRound, type RoundResult } from './round.ts';
import type { Boundary, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import type { Victim } from './victims.ts';
import { openWorld, type World } from './world.ts';

export interface MatrixPlan {
  readonly scenarios: readonly Scenario[];
  readonly boundaries: readonly Boundary[];
  readonly victims: readonly Victim[];
  /** By name. */
  readonly behaviours: readonly string[];
  readonly seed: number;
  readonly copies: number;
  readonly lanes: number;
}

export async function playMatrix(plan: MatrixPlan, say: (line: string) => void): Promise<RoundResult[]> {
  const left = [...plan.boundaries];
  const results: RoundResult[] = [];
  const lane = async (): Promise<void> => {
    for (let boundary = left.shift(); boundary; boundary = left.shift()) {
      results.push(...(await playBoundary(boundary, plan, say)));
    }
  };
  await Promise.all(Array.from({ length: plan.lanes }, lane));
  return results;
}

async function playBoundary(boundary: Boundary, plan: MatrixPlan, say: (line: string) => void): Promise<RoundResult[]> {
  const results: RoundResult[] = [];
  let world: World | undefined;
  const scenarios = plan.scenarios.filter((scenario) => comesTo(scenario, boundary));
  for (const { scenario, victim } of scenarios.flatMap((scenario) => plan.victims.map((victim) => ({ scenario, victim })))) {
    const behaviours = behavioursAt(scenario, boundary).filter(({ name }) => plan.behaviours.includes(name));
    if (behaviours.length === 0) continue;
    world ??= await openWorld(settingsAt(SCENARIOS, boundary));
    const round = { scenario, boundary, victim, seed: plan.seed, copies: plan.copies, behaviours };
    const result = await playRound(world, round).catch((error: unknown) => brokenOff(round, error));
    results.push(result);
    say(lineOf(result));
    if (result.findings.length === 0) continue;
    for (const { behaviour, payoutId, what } of someOf(result)) say(`    ${behaviour} ${payoutId ?? ''}: ${what}`);
    say(`    its home is left in ${world.here.home}; again: npm run chaos -- ${argumentsOf(result)}`);
    await world.close(true); // what is wrong now would count against the next victim too
    world = undefined;
  }
  await world?.close(false);
  return results;
}

/** Of each behaviour the first ones: what follows says mostly the same in other words. */
function someOf({ findings }: RoundResult): RoundResult['findings'] {
  const said = new Map<string, number>();
  return findings.filter(({ behaviour }) => {
    const before = said.get(behaviour) ?? 0;
    said.set(behaviour, before + 1);
    return before < 3;
  });
}

export const argumentsOf = ({ plan: { scenario, boundary, victim, seed, copies, behaviours } }: RoundResult): string => {
  const isPart = behaviours.length < behavioursAt(scenario, boundary).length;
  const names = isPart ? behaviours.map(({ name }) => ` --behaviour ${name}`).join('') : '';
  return `--flow ${scenario.name} --boundary ${boundary} --victim ${victim} --seed ${seed} --copies ${copies}${names}`;
};

function lineOf({ plan, cells, reached, payouts, tookMs }: RoundResult): string {
  const count = (outcome: string) => cells.filter((cell) => cell.outcome === outcome).length;
  const seconds = (tookMs / 1000).toFixed(1);
  return `${plan.scenario.name.padEnd(8)} ${plan.boundary.padEnd(16)} ${plan.victim.padEnd(9)} ${count('passed')} passed, ${count('n/a')} n/a, ${count('failed')} failed; ${reached} of ${payouts} payouts held; ${seconds} s`;
}

/** The round itself broke: that is a failure of all its cells, whatever the reason. */
function brokenOff(plan: RoundResult['plan'], error: unknown): RoundResult {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    plan,
    cells: [{ behaviour: 'whole', outcome: 'failed' }],
    payouts: 0,
    reached: 0,
    tookMs: 0,
    findings: [{ payoutId: null, what, behaviour: 'whole' }],
  };
}
