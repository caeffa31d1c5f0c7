/** A live stream that was asked for, or why there is none, in the words of HTTP. */
import { noMoreStreams, tooManyStreams } from '../../http/streaming.ts';
import type { Opened, OpenStream } from '../streams.ts';

/** @throws Problem 429, 503 */
export function openedOf(opened: Opened): OpenStream {
  if (opened.outcome === 'too_many') throw tooManyStreams(opened.of);
  if (opened.outcome === 'closing') throw noMoreStreams();
  return opened.stream;
}
