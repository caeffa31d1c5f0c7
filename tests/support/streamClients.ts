/** Clients of a live stream, as plain as can be: what came in whole, and a line that breaks wherever one likes. */
import { get } from 'node:http';
import { WebSocket } from 'ws';

export interface Message {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a client would find in it
  readonly data: any;
}

export interface Listening {
  /** Events and resets that have come in whole. */
  readonly messages: Message[];
  /** To resume from. */
  lastId(): string | undefined;
  /** All that came, as it came. */
  text(): string;
  /** Of the answer; 101 of a WebSocket. */
  readonly status: Promise<number>;
  readonly headers: () => Readonly<Record<string, unknown>>;
  /** Where it begins is known: nothing is missed from here on. */
  readonly begun: Promise<void>;
  /** How it ended: a WebSocket's code, 0 where there is none. */
  readonly closed: Promise<number>;
  stopReading(): void;
  readOn(): void;
  hangUp(): void;
}

export interface Listen {
  readonly key?: string;
  readonly token?: string;
  readonly types?: string;
  readonly from?: string | undefined;
  /** The line breaks after so many bytes. */
  readonly cutAfterBytes?: number;
}

export type Client = (base: string, listen: Listen) => Listening;

function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const queryOf = (fields: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};

export const sse: Client = (base, { key, token, types, from, cutAfterBytes = Number.POSITIVE_INFINITY }) => {
  const [status, begun, closed] = [deferred<number>(), deferred<void>(), deferred<number>()];
  const messages: Message[] = [];
  let lastId = from;
  let [text, rest, bytes] = ['', '', 0];
  let headers: Readonly<Record<string, unknown>> = {};
  const request = get(`${base}/api/v1/stream${queryOf({ types })}`, {
    agent: false,
    headers: {
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(from === undefined ? {} : { 'last-event-id': from }),
    },
  });
  request.on('error', () => closed.resolve(0));
  const response = deferred<import('node:http').IncomingMessage>();
  request.on('response', (incoming) => {
    response.resolve(incoming);
    headers = incoming.headers;
    status.resolve(incoming.statusCode ?? 0);
    incoming.on('data', (chunk: Buffer) => {
      const left = Math.max(cutAfterBytes - bytes, 0);
      bytes += chunk.length;
      const part = chunk.subarray(0, left).toString('latin1'); // what is told in these tests is ASCII
      text += part;
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) read(block);
      if (bytes >= cutAfterBytes) request.destroy();
    });
    incoming.on('error', () => undefined);
    incoming.on('close', () => closed.resolve(0));
  });
  function read(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')];
    if (id !== undefined) {
      lastId = id;
      begun.resolve();
    }
    if (data !== undefined) messages.push({ id: lastId ?? '', event: event ?? '', data: JSON.parse(data) });
  }
  return {
    messages,
    lastId: () => lastId,
    text: () => text,
    status: status.promise,
    headers: () => headers,
    begun: begun.promise,
    closed: closed.promise,
    stopReading: () => void response.promise.then((incoming) => incoming.pause()),
    readOn: () => void response.promise.then((incoming) => incoming.resume()),
    hangUp: () => request.destroy(),
  };
};

export const webSocket: Client = (base, { key, token, types, from, cutAfterBytes = Number.POSITIVE_INFINITY }) => {
  const [status, begun, closed] = [deferred<number>(), deferred<void>(), deferred<number>()];
  const messages: Message[] = [];
  let lastId = from;
  let [text, bytes] = ['', 0];
  const address = `${base.replace('http', 'ws')}/api/v1/ws${queryOf({ types, lastEventId: from })}`;
  const socket = new WebSocket(address, token === undefined ? [] : ['oncepay', token], {
    headers: key === undefined ? {} : { 'x-api-key': key },
  });
  let headers: Readonly<Record<string, unknown>> = {};
  socket.on('upgrade', (response) => {
    headers = response.headers;
    status.resolve(response.statusCode ?? 0);
    // Not sooner: whoever listens first would take what belongs to the WebSocket.
    socket.on('open', () => {
      response.socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= cutAfterBytes) response.socket.destroy();
      });
    });
  });
  socket.on('unexpected-response', (_request, response) => {
    headers = response.headers;
    status.resolve(response.statusCode ?? 0);
    response.resume();
    closed.resolve(0);
  });
  socket.on('message', (raw) => {
    const frame = String(raw);
    text += frame;
    const message = JSON.parse(frame) as Message;
    lastId = message.id;
    begun.resolve();
    if (message.event !== 'ready') messages.push(message);
  });
  socket.on('error', () => undefined);
  socket.on('close', (code) => closed.resolve(code));
  return {
    messages,
    lastId: () => lastId,
    text: () => text,
    status: status.promise,
    headers: () => headers,
    begun: begun.promise,
    closed: closed.promise,
    stopReading: () => socket.pause(),
    readOn: () => socket.resume(),
    hangUp: () => socket.terminate(),
  };
};
