/** Where whoever may look into Temporal finds a workflow. */

export interface TemporalPlace {
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
}

/** The page of a workflow in the Temporal UI, which shows its newest run. */
export function temporalLink({ temporalUiUrl, temporalNamespace }: TemporalPlace, workflowId: string): string {
  const base = temporalUiUrl.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
