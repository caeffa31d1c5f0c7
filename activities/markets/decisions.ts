/** The short steps of a resolution: what people decide, what the clock decides, and whether its pool is whole. Each may be repeated. */
import type { Pool } from 'pg';
import { failpoint } from '../../src/failpoints.ts';
import { coverMarket, type DecideRequest, decideResolution, endWindow } from '../../src/ledger/distributions.ts';
import type { ResolutionStanding } from '../../src/markets/rules/contract.ts';
import { DECISION_ROLES, type DecisionAnswer } from '../../src/markets/rules/decision.ts';
import { mayDecide } from '../authority.ts';
import { orStop } from './orStop.ts';
import { readStanding } from './standing.ts';

export interface DecisionPorts {
  readonly pool: Pool;
  /** After each step: events may have been written, and what they send is due. */
  readonly onWritten?: () => void;
}

export type DecisionActivities = ReturnType<typeof createDecisionActivities>;

interface Of {
  readonly resolutionId: string;
  readonly marketId: string;
}

export function createDecisionActivities({ pool, onWritten = () => undefined }: DecisionPorts) {
  const stepping =
    (step: (resolutionId: string) => Promise<unknown>) =>
    async ({ resolutionId }: Of): Promise<ResolutionStanding> => {
      await orStop(pool, resolutionId, () => step(resolutionId));
      onWritten();
      return await readStanding(pool, resolutionId);
    };

  return {
    lookAtResolution: ({ resolutionId }: Of): Promise<ResolutionStanding> => readStanding(pool, resolutionId),

    endDisputeWindow: stepping((resolutionId) => endWindow(pool, resolutionId)),

    coverPool: stepping((resolutionId) => coverMarket(pool, resolutionId)),

    async decideResolution({ marketId, ...request }: DecideRequest & Of): Promise<DecisionAnswer> {
      if (!(await mayDecide(pool, request.adminId, DECISION_ROLES[request.decision.kind]))) return { outcome: 'not_allowed' };
      await failpoint('decide.before', marketId);
      const { outcome } = await decideResolution(pool, request);
      await failpoint('decide.after', marketId);
      onWritten();
      return { outcome };
    },
  };
}
