/** Who may decide what of a payout. */
import type { Pool } from 'pg';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Fact, PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type StepDoor, said } from '../../src/payouts/rules/standing.ts';
import { ACTION_ROLES, type Role } from '../../src/rules/roles.ts';
import { mayDecide } from '../authority.ts';

/** The lowest role for each fact that an admin makes true. */
const ROLES: ReadonlyMap<string, Role> = new Map([
  ['approved', ACTION_ROLES.approve],
  ['rejected', ACTION_ROLES.reject],
  ['held', ACTION_ROLES.hold],
  ['hold_lifted', ACTION_ROLES.release],
  ['resolved_paid', ACTION_ROLES.resolve],
  ['resolved_not_paid', ACTION_ROLES.resolve],
  ['acknowledged', ACTION_ROLES.acknowledge],
  ['hurried', ACTION_ROLES['send-now']],
  ['look_up_asked', ACTION_ROLES['look-up-now']],
  ['given_up', ACTION_ROLES['give-up']],
  ['routed', ACTION_ROLES.route],
]);

/** The ledger's door for what people ask. That a maker may not approve the ledger itself knows. */
export function askedDoor({ ledger, pool }: { ledger: Pick<Ledger, 'read'>; pool: Pool }, applyFact: StepDoor): StepDoor {
  return async (payoutId, key, fact, actor) => {
    const payout = await ledger.read(payoutId);
    if (!payout) throw new Error(`fact ${fact.type} about an unknown payout ${payoutId}`);
    if (!(await maySay(pool, payout, fact))) return { outcome: 'not_allowed', payout: said(payout) };
    return await applyFact(payoutId, key, fact, actor);
  };
}

async function maySay(pool: Pool, payout: PayoutRecord, fact: Fact): Promise<boolean> {
  if (fact.type === 'cancelled') return fact.by === payout.owner.id;
  const needed = ROLES.get(fact.type);
  if (needed === undefined || !('adminId' in fact) || fact.adminId === undefined) return false;
  return await mayDecide(pool, fact.adminId, needed);
}
