/** What time it is, for workflows. */

/**
 * Milliseconds since 1970, when the present workflow task began, as its history says. In a workflow the SDK puts this in
 * the place of the machine's clock (@temporalio/workflow, global-overrides): a replay gets the same, however late.
 */
export const now = (): number => Date.now();
