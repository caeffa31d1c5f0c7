/** What a resolution's workflow is started with, and what may be said to it. */
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import type { DecisionAnswer, DecisionOrder } from './decision.ts';
import type { ResolutionState } from './machine.ts';

export interface ResolutionInput {
  readonly resolutionId: string;
  readonly marketId: string;
  readonly settings: ResolutionSettings;
}

export interface ResolutionSettings {
  /** How often it is looked whether the merchant has covered what the pool lacks. */
  readonly fundsEveryMs: number;
  /** Whoever can send signals can name any admin: an installation may switch this door off. */
  readonly allowSignalDecisions: boolean;
}

/**
 * A resolution as its workflow sees it, and its history keeps it.
 */
export interface ResolutionStanding {
  readonly id: string;
  readonly state: ResolutionState;
  readonly outcome: string;
  /** The newest event's number. */
  readonly sequence: number;
  readonly needsOperator: boolean;
  readonly reason: string | null;
  /** What is left of the window in which it may be disputed, by the database's clock; null: there is none. */
  readonly windowLeftMs: number | null;
  /** A pause holds over its merchant, over markets or over everything. */
  readonly isPaused: boolean;
  /** Null: not planned yet. */
  readonly users: number | null;
  readonly paidUsers: number;
  readonly undoneUsers: number;
}

/** Look into the books: something has changed. */
export const lookSignal = defineSignal<[string]>('look');
export const decideUpdate = defineUpdate<DecisionAnswer, [DecisionOrder]>('decide');
