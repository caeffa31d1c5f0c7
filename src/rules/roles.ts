/** Who may do what on the admin side. Each role may do all that the roles before it may. */

export const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * The lowest role for each action. That a maker may not approve their own payout stands elsewhere: it is a matter of
 * the payout, and holds for an admin too.
 */
export const ACTION_ROLES = {
  read: 'viewer',
  hold: 'operator',
  release: 'operator',
  resolve: 'operator',
  acknowledge: 'operator',
  retry: 'operator',
  payoutRuns: 'operator',
  pause: 'operator', // and resume
  'send-now': 'operator',
  'look-up-now': 'operator',
  'give-up': 'operator',
  route: 'operator',
  resend: 'operator',
  subscribe: 'operator', // nobody below is told anything
  approve: 'approver',
  reject: 'approver',
  voidGame: 'approver', // takes winnings back
  resolveMarket: 'approver', // pays a whole market out, in the end
  judgeDispute: 'approver',
  rollBack: 'approver', // takes winnings back
  merchants: 'admin',
  keys: 'admin',
  admins: 'admin',
  fund: 'admin',
  audit: 'admin',
  riskPolicy: 'admin',
} as const satisfies Record<string, Role>;

export type Action = keyof typeof ACTION_ROLES;

export function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

/** May someone with this role do what needs at least `needed`? A role we do not know may do nothing. */
export function mayAct(role: string, needed: Role): boolean {
  return isRole(role) && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
