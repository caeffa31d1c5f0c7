/** Whoever owns something here: `owner_kind` and `owner_id` in every table, `{ kind, id }` in code and in the API. */
export type OwnerKind = 'merchant' | 'provider' | 'user' | 'bank' | 'market' | 'admin';

export interface Owner {
  readonly kind: OwnerKind;
  readonly id: string;
}

/** The columns of a row of theirs, to write it or to find it. */
export interface Owned {
  readonly ownerKind: OwnerKind;
  readonly ownerId: string;
}

export const ownedBy = (kind: OwnerKind, id: string): Owned => ({ ownerKind: kind, ownerId: id });
