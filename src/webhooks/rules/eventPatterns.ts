/** Rules of outgoing webhooks: when they are tried, and which events an endpoint has asked for. */
import { EVENT_TYPES, type EventType } from '../../payouts/rules/machine.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * The wait before each try: quick ones for a restart, an hourly range for a bad deploy, days for a weekend. Over three
 * days in all: who was away on Saturday has their events on Monday.
 */
// biome-ignore format: a table
const TRY_WAITS_MS: readonly number[] = [
  0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
];

export const TRIES_MAX = TRY_WAITS_MS.length;

/** How long to wait before try number n (from 1) after the one before it; undefined where there is no such try any more. */
export function waitBefore(tryNumber: number): number | undefined {
  return TRY_WAITS_MS[tryNumber - 1];
}

export type EventPatternFault = 'invalid_type' | 'unknown_event_type';

/** `*`, a family such as `payout.*`, or one event type by name. */
export function eventPatternFault(pattern: unknown): EventPatternFault | undefined {
  if (typeof pattern !== 'string') return 'invalid_type';
  return EVENT_TYPES.some((type) => covers(pattern, type)) ? undefined : 'unknown_event_type';
}

/** Does an endpoint with these patterns get this event? What is only for the timeline goes to nobody, whatever the pattern. */
export function wantsEvent(patterns: readonly string[], type: string): boolean {
  return isEventType(type) && patterns.some((pattern) => covers(pattern, type));
}

export function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some((known) => known === type);
}

function covers(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return /^[a-z_]+\.\*$/.test(pattern) && type.startsWith(pattern.slice(0, -1));
}
