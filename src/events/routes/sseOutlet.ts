/** A live stream as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { ServerResponse } from 'node:http';
import type { Frame } from '../frames.ts';
import type { Outlet } from '../stream.ts';

/** For a client to come back: apart from each other, after a restart that has ended them all at once. */
const RETRY_MS = { least: 1_000, most: 4_000 } as const;
/** For one that was ended in order to take the rest. */
const GRACE_MS = 2_000;

/** One event, for however many connections. Ids and types are ours, and JSON has no line ends. */
const encoded = new WeakMap<Frame, Buffer>();

function bytesOf(frame: Frame): Buffer {
  const known = encoded.get(frame);
  if (known) return known;
  const bytes = Buffer.from(`event: ${frame.event}\nid: ${frame.id}\ndata: ${frame.data}\n\n`, 'utf8');
  encoded.set(frame, bytes);
  return bytes;
}

const retry = (): string => `retry: ${RETRY_MS.least + Math.floor(Math.random() * (RETRY_MS.most - RETRY_MS.least))}\n\n`;

type Headers = Readonly<Record<string, string | number | string[] | undefined>>;

/** @param headers besides what makes it a stream. */
export function sseOutlet(raw: ServerResponse, headers: Headers): Outlet {
  const closed = new AbortController();
  if (raw.destroyed) closed.abort();
  raw.once('close', () => closed.abort());
  raw.on('error', () => undefined); // the client is gone: `close` follows
  raw.shouldKeepAlive = false; // nothing follows on this connection
  const all = { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' }; // nginx would keep it
  for (const [name, value] of Object.entries(all)) if (value !== undefined) raw.setHeader(name, value);
  raw.write(retry()); // and with it the head

  const write = (bytes: string | Buffer): void => {
    if (!closed.signal.aborted && !raw.writableEnded) raw.write(bytes);
  };
  const cut = (): void => void raw.destroy();

  return {
    closed: closed.signal,
    bufferedBytes: () => raw.writableLength,
    begin: (place) => write(`id: ${place}\n\n`), // without data it is no event, and the client's last id all the same
    send: (frame) => write(bytesOf(frame)),
    beat: (place) => write(place === undefined ? ':\n\n' : `:\nid: ${place}\n\n`),
    end() {
      write(retry());
      raw.end();
      setTimeout(cut, GRACE_MS).unref();
    },
    cut,
  };
}
