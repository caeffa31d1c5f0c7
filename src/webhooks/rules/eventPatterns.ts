/** Which events an endpoint has asked for. */
import { EVENT_TYPES, type EventType } from '../../events/rules/eventTypes.ts';
import { DISTRIBUTION_EVENTS } from '../../markets/rules/machine.ts';

export type EventPatternFault = 'invalid_type' | 'unknown_event_type';

/**
 * As many as a market has participants: an endpoint gets them only where it names the very type, so that nobody who wants to
 * hear of everything is told a million times of one market. Live streams have them all the same.
 */
const BY_NAME_ONLY: ReadonlySet<string> = new Set(DISTRIBUTION_EVENTS);

/** `*`, a family such as `payout.*`, or one event type by name. */
export function eventPatternFault(pattern: unknown): EventPatternFault | undefined {
  if (typeof pattern !== 'string') return 'invalid_type';
  return EVENT_TYPES.some((type) => reaches(pattern, type)) ? undefined : 'unknown_event_type';
}

/** Does an endpoint with these patterns get this event? What is only for the timeline goes to nobody, whatever the pattern. */
export function wantsEvent(patterns: readonly string[], type: string): boolean {
  return isEventType(type) && patterns.some((pattern) => reaches(pattern, type));
}

/** Is this type meant by one of these patterns, by whoever asks for a live stream? */
export const isMeant = (patterns: readonly string[], type: string): boolean => patterns.some((pattern) => covers(pattern, type));

export function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some((known) => known === type);
}

const reaches = (pattern: string, type: string): boolean =>
  pattern === type || (!BY_NAME_ONLY.has(type) && covers(pattern, type));

function covers(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return /^[a-z_]+\.\*$/.test(pattern) && type.startsWith(pattern.slice(0, -1));
}
