/** What goes out on a live stream: an event in the words of its hearer, or a reset; made once, however many hear it. */
import type { PassedEvent } from './follow.ts';
import { type Hearer, presentEvent } from './presentEvent.ts';

export interface Frame {
  /** Where the stream goes on after it. */
  readonly id: string;
  /** The event's type, or RESET. */
  readonly event: string;
  /** JSON on one line: the body of api.md §3. */
  readonly data: string;
}

/** Beside the types of events: what came after the client's place is not known. What it shows is as of `id` or later. */
export const RESET = 'reset';

const made = new WeakMap<PassedEvent, Map<Hearer, Frame>>();

/** @throws on what nobody knows how to tell this hearer: a mistake in our code. */
export function frameOf(event: PassedEvent, hearer: Hearer): Frame {
  const frames = made.get(event) ?? new Map<Hearer, Frame>();
  made.set(event, frames);
  const known = frames.get(hearer);
  if (known) return known;
  const told = presentEvent({ ...event, object: JSON.parse(event.object) as unknown }, hearer);
  const frame = { id: event.place, event: event.type, data: JSON.stringify(told) };
  frames.set(hearer, frame);
  return frame;
}

export function resetFrame(place: string, livemode: boolean, snapshot: unknown): Frame {
  const body = { type: RESET, timestamp: new Date().toISOString(), livemode, data: { object: snapshot } };
  return { id: place, event: RESET, data: JSON.stringify(body) };
}
