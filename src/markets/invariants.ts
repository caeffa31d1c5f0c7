/** What must be true of markets at every committed moment: a part of the list in src/ledger/invariants.ts. */
import type { FlowChecks, Invariant } from '../ledger/invariant.ts';

const invariants: readonly Invariant[] = [];

/** The steps of a resolution; its keys name the market and the run, and each user's entry the user. */
const RUN = `op_key LIKE 'market/mkt\\_%/run/%'`;
const PAID = `${RUN} AND op_key LIKE '%/user/usr\\_%' AND op_key NOT LIKE '%/back'`;
const UNPAID = `${RUN} AND op_key LIKE '%/user/usr\\_%/back'`;
const FEE = `${RUN} AND (op_key LIKE '%/fee/house' OR op_key LIKE '%/fee/creator')`;
const FEE_BACK = `${RUN} AND (op_key LIKE '%/fee/house/back' OR op_key LIKE '%/fee/creator/back')`;

export const marketChecks: FlowChecks = {
  invariants,
  entryKeys: [
    { subjectKind: 'market', keys: { COMMITMENT: `starts_with(op_key, 'commitment/com_') AND leg = 0` } },
    {
      subjectKind: 'resolution',
      keys: {
        DISTRIBUTION: `${PAID} AND leg = 0`,
        STAKE_RETURN: `${PAID} AND leg = 0`,
        MARKET_FEE: `${FEE} AND leg = 0`,
        DISTRIBUTION_BACK: `${UNPAID} AND leg = 0`,
        MARKET_FEE_BACK: `${FEE_BACK} AND leg = 0`,
        DEBT: `(${UNPAID} OR ${FEE_BACK}) AND leg = 1`,
        COVER: `(${UNPAID} OR ${FEE_BACK}) AND leg = 2 OR op_key LIKE 'market/mkt\\_%/cover/%' AND leg = 0`,
      },
    },
  ],
  creditKeys: `starts_with(op_key, 'market/')`,
};
