/** A resolution as this run last saw it, and as an operator sees it in the Temporal UI. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { ResolutionStanding } from '../../src/markets/rules/contract.ts';
import { currentDetails } from '../../src/markets/rules/currentDetails.ts';
import { NEEDS_OPERATOR, RESOLUTION_STATE } from '../../src/temporal/rules/searchAttributes.ts';

export interface ResolutionView {
  /** Undefined: not yet. */
  seen(): ResolutionStanding | undefined;
  /** The number of its newest event when this run began; undefined: it has just begun. */
  openedAt(): number | undefined;
  see(standing: ResolutionStanding): ResolutionStanding;
  /** Shown with the current details until the resolution is seen anew. */
  remark(text: string): void;
}

export function openView(): ResolutionView {
  let seen: ResolutionStanding | undefined;
  let openedAt: number | undefined;
  let filteredBy = '';

  /** An upsert costs a history event: only where something has changed. */
  function filterBy({ state, needsOperator }: ResolutionStanding): void {
    if (filteredBy === `${state} ${needsOperator}`) return;
    filteredBy = `${state} ${needsOperator}`;
    upsertSearchAttributes([
      { key: RESOLUTION_STATE, value: state },
      { key: NEEDS_OPERATOR, value: needsOperator },
    ]);
  }

  return {
    seen: () => seen,
    openedAt: () => openedAt,
    see(standing) {
      seen = standing;
      openedAt ??= standing.sequence;
      setCurrentDetails(currentDetails(standing));
      filterBy(standing);
      return standing;
    },
    remark: (text) => setCurrentDetails(`${seen ? currentDetails(seen) : ''}\n\n${text}`),
  };
}
