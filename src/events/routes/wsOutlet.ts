/** A live stream over WebSocket: each message a frame `{ id, event, data }`, as text. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Frame } from '../frames.ts';
import type { Outlet, StreamEnd } from '../stream.ts';

/** For one that was ended in order to take the rest and to say goodbye. */
const GRACE_MS = 2_000;

/** RFC 6455, 7.4.1. */
const CLOSING: Readonly<Record<StreamEnd, readonly [code: number, reason: string]>> = {
  closing: [1001, 'closing'],
  revoked: [1008, 'revoked'],
};

const encoded = new WeakMap<Frame, Buffer>();

function bytesOf(frame: Frame): Buffer {
  const known = encoded.get(frame);
  if (known) return known;
  const { id, event, data } = frame;
  const bytes = Buffer.from(`{"id":${JSON.stringify(id)},"event":${JSON.stringify(event)},"data":${data}}`, 'utf8');
  encoded.set(frame, bytes);
  return bytes;
}

export function wsOutlet(socket: WebSocket, raw: Socket): Outlet {
  const closed = new AbortController();
  let hasAnswered = true;
  if (raw.destroyed) closed.abort();
  raw.once('close', () => closed.abort());
  socket.on('error', () => undefined); // the client is gone, or speaks no WebSocket: `close` follows
  socket.on('pong', () => {
    hasAnswered = true;
  });
  const cut = (): void => void socket.terminate();
  const send = (bytes: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(bytes, { binary: false }, () => undefined); // to one that is gone: `close` follows
  };

  return {
    closed: closed.signal,
    bufferedBytes: () => socket.bufferedAmount,
    begin: (place) => send(bytesOf({ id: place, event: 'ready', data: '{}' })),
    send: (frame) => send(bytesOf(frame)),
    beat() {
      if (!hasAnswered) return cut(); // nobody is at the other end of the line
      hasAnswered = false;
      if (socket.readyState === socket.OPEN) socket.ping();
    },
    end(why) {
      socket.close(...CLOSING[why]);
      setTimeout(cut, GRACE_MS).unref();
    },
    cut,
  };
}
