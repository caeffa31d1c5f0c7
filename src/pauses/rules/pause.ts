/** A pause: while it holds, nothing new is sent or settled of what it is over. What is on the wire goes on. */
import type { PausableFlow } from '../../rules/flows.ts';

/** What a pause is over: everything, or one PSP, merchant or flow, by its name. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'psp' | 'merchant'; readonly name: string }
  | { readonly kind: 'flow'; readonly name: PausableFlow };

export const SCOPE_KINDS = ['psp', 'merchant', 'flow', 'all'] as const satisfies readonly Scope['kind'][];

export interface PauseRecord {
  readonly id: string;
  readonly scopeKind: Scope['kind'];
  /** Empty: of all. */
  readonly scopeName: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly until: Date | null;
  readonly resumedBy: string | null;
  readonly resumedAt: Date | null;
  /** By the database's clock, when it was read. */
  readonly holds: boolean;
}

/** As the books name it. */
export const nameOf = (scope: Scope): string => (scope.kind === 'all' ? '' : scope.name);
