/** The types of workflows there are: what the worker's bundle is made from, so that none is forgotten. */
import * as bundle from '../workflows/index.ts';
import * as housekeeping from '../workflows/maintenance.ts';

/** Those that a flow starts. */
export type FlowWorkflow = Exclude<keyof typeof bundle, keyof typeof housekeeping>;

export const WORKFLOW_TYPES: readonly string[] = Object.keys(bundle);

/** Started by the clock, so that one of them may always be under way. */
export const HOUSEKEEPING: readonly string[] = Object.keys(housekeeping);
