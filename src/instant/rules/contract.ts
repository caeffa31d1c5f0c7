/** Ids of the flow's workflows and what they are started with: found again by the subject alone. */

/** One for each withdrawal: until when it may be filled, and what becomes of its rest. */
export const instantPayoutWorkflowId = (id: string): string => `instant-payout/${id}`;
/** One for each slice: its deadlines. */
export const batchWorkflowId = (id: string): string => `instant-batch/${id}`;
/** One for each payin that waits. */
export const payinWorkflowId = (id: string): string => `payin/${id}`;

export interface InstantPayoutInput {
  readonly instantPayoutId: string;
}

export interface BatchInput {
  readonly batchId: string;
}

export interface PayinInput {
  readonly payinId: string;
}

/**
 * What is to be done stands in the books: the workflow of the subject looks there, and is started where none runs. One that is just
 * ending looks again.
 */
export interface InstantClient {
  lookAtInstantPayout(id: string): Promise<void>;
  lookAtBatch(id: string): Promise<void>;
  lookAtPayin(id: string): Promise<void>;
}

/** What a look into the books has found. */
export interface Looked {
  /** Nothing is to come by itself any more. */
  readonly isOver: boolean;
  /** When to look again by oneself; null: when somebody says so. */
  readonly againInMs: number | null;
}

/** What makes a step of a subject once: natural keys, never a clock or a random. */
export const INSTANT_ID_PREFIXES = { payout: 'ip', batch: 'ipb', payin: 'pin', bankCredit: 'bcr' } as const;
