/**
 * Requests to become a WebSocket. Those for a path that takes them go through the same hooks as any request, with whatever
 * refusal; their handler accepts. Any other is answered as if it had offered no upgrade, as HTTP says (RFC 9110, 7.8): clients
 * offer HTTP/2 that way (Java's own does, with every request), and mean a plain answer.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';

/** Nobody sends us anything that we read. */
const MESSAGE_MAX_BYTES = 1024;

export interface Upgrade {
  readonly socket: Socket;
  /** The last thing a handler does. @param protocol of those that the client offers. */
  accept(reply: FastifyReply, protocol: string | undefined, opened: (socket: WebSocket) => void): void;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** Undefined: it does not ask for one. */
export const upgradeOf = ({ raw }: FastifyRequest): Upgrade | undefined => upgrades.get(raw);

/** The subprotocols that a client offers. */
export const protocolsOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** @param path the one that takes WebSockets. */
export function addUpgrades(app: FastifyInstance, path: string): void {
  const chosen = new WeakMap<IncomingMessage, string>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false, // whoever accepts ends them
    perMessageDeflate: false, // a window for each of a thousand clients is memory, and what is sent is small
    maxPayload: MESSAGE_MAX_BYTES,
    handleProtocols: (_offered, request) => chosen.get(request) ?? false,
  });
  app.server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    if (!(duplex instanceof Socket)) return void duplex.destroy(); // we speak TCP only
    if (!isWebSocket(request, path)) return again(app, request, duplex, head);
    duplex.on('error', () => duplex.destroy()); // until it is a WebSocket nobody else listens
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false; // the parser has left this connection
    response.assignSocket(duplex);
    response.on('finish', () => duplex.end());
    upgrades.set(request, {
      socket: duplex,
      accept(reply, protocol, opened) {
        reply.hijack();
        response.detachSocket(duplex);
        if (protocol !== undefined) chosen.set(request, protocol);
        server.handleUpgrade(request, duplex, head, opened);
      },
    });
    app.routing(request, response);
  });
}

function isWebSocket({ method, url = '', headers }: IncomingMessage, path: string): boolean {
  return method === 'GET' && url.split('?', 1)[0] === path && headers.upgrade?.toLowerCase() === 'websocket';
}

/** What has to do with the connection, and would offer the upgrade once more. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'upgrade', 'http2-settings']);

/** Node's parser has let go of the connection: it is given the request once more, without the offer. */
function again(
  app: FastifyInstance,
  { method, url, httpVersion, headers, rawHeaders }: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let nth = 0; nth < rawHeaders.length; nth += 2) {
    const name = rawHeaders[nth] ?? '';
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[nth + 1] ?? ''}`);
  }
  if (/\bclose\b/i.test(headers.connection ?? '')) lines.push('connection: close');
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  app.server.emit('connection', socket);
}
