/** The types of workflows there are: what the worker's bundle is made from, so that none is forgotten. */
import * as bundle from '../workflows/index.ts';
import * as maintenance from '../workflows/maintenance.ts';
import * as relaying from '../workflows/relay/relay.ts';

const housekeeping = { ...maintenance, ...relaying };

/** Those that a flow starts. */
export type FlowWorkflow = Exclude<keyof typeof bundle, keyof typeof housekeeping>;

export const WORKFLOW_TYPES: readonly string[] = Object.keys(bundle);

/** Started by the clock, or for ever under way: one of them may be open whenever one looks. */
export const HOUSEKEEPING: readonly string[] = Object.keys(housekeeping);
