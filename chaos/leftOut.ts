/** What the scenarios must not leave out: whoever adds a place to be killed at, or a workflow, is asked for a scenario. */
import { FAILPOINTS } from '../src/failpoints.ts';
import { boundariesOf } from './boundaries.ts';
import type { Scenario } from './scenario.ts';
import { HOUSEKEEPING, WORKFLOW_TYPES } from './workflows.ts';

/** @returns a sentence for each. */
export function leftOut(
  scenarios: readonly Scenario[],
  failpoints: readonly string[] = FAILPOINTS,
  workflowTypes: readonly string[] = WORKFLOW_TYPES,
): string[] {
  const places: readonly string[] = boundariesOf(scenarios);
  const expected = new Set<string>([...HOUSEKEEPING, ...scenarios.flatMap(({ workflows }) => workflows)]);
  return [
    ...failpoints.filter((name) => !places.includes(name)).map((name) => `no scenario comes to ${name}`),
    ...workflowTypes.filter((type) => !expected.has(type)).map((type) => `no scenario expects a workflow ${type}`),
  ];
}
