/** Which events an endpoint has asked for. */
import { EVENT_TYPES, type EventType } from '../../events/rules/eventTypes.ts';

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
