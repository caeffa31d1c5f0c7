/**
 * One HTTP request to somebody else's server, by Node's own client: unlike undici it takes informational answers
 * (`100 Continue`, `103 Early Hints`) that were not asked for, as RFC 9110 §15.2 demands. Never follows a redirect, never
 * asks a proxy, never tries twice.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';

export interface Outgoing {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  /** `keptConnections`; without them this request gets a connection of its own. */
  readonly agent?: HttpAgent;
  /** For TCP and TLS together, once a connection is begun. */
  readonly connectMs: number;
  /** Ends it at any point, also while the answer is read. */
  readonly signal: AbortSignal;
  /** Where names lead; an address literal is not asked for. */
  readonly lookup?: LookupFunction;
  /** Asked once connected, before the first byte goes out: why not there. */
  readonly refuse?: (address: string) => Error | undefined;
}

/** A server says one or two; one that says every second that it is still at it (102) does so for as long as anybody here waits. */
const INFORMATIONAL_MAX = 64;

/**
 * The final answer's head; its body is still to be read, see `chunksOf`.
 * @throws by `code`: Node's own for the network, HPE_… for what is no HTTP
 */
export function send(out: Outgoing): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { url, method, headers, lookup, signal, agent = false } = out;
    const isTls = url.protocol === 'https:';
    const request = (isTls ? httpsRequest : httpRequest)(url, { method, headers, agent, signal, ...(lookup && { lookup }) });
    const stop = (error: Error) => {
      reject(error); // a request that has lost its socket to an upgrade emits no error any more
      request.destroy(error);
    };
    request.on('error', reject);
    // Nobody asked to speak another protocol; without a listener Node takes some of these for a lost connection.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      stop(coded('UNASKED_UPGRADE'));
    });
    // Each costs us more than its sender, and there is no limit of Node's to how many: without one they are all that we do.
    let informational = 0;
    request.on('information', () => {
      informational += 1;
      if (informational > INFORMATIONAL_MAX) stop(coded('HPE_ENDLESS_INFORMATION'));
    });
    request.on('socket', (socket) => watch(socket, isTls ? 'secureConnect' : 'connect', out, stop));
    request.on('response', (response) => {
      if (response.statusCode === 101) stop(coded('UNASKED_UPGRADE'));
      else resolve(response);
    });
    request.end(out.body);
  });
}

type Stop = (error: Error) => void;

function watch(socket: Socket, ready: 'connect' | 'secureConnect', { connectMs, refuse }: Outgoing, stop: Stop): void {
  if (!socket.connecting) return; // kept from before
  // A connection that never stood carried nothing: said as the system would say it.
  const timer = setTimeout(() => stop(coded('ETIMEDOUT', 'connect')), connectMs);
  const settle = () => clearTimeout(timer);
  socket.once(ready, settle).once('close', settle);
  // Before Node's own listener, which writes the request.
  socket.once('connect', () => {
    const error = refuse?.(socket.remoteAddress ?? '');
    if (error) stop(error);
  });
}

const coded = (code: string, syscall?: string): Error => Object.assign(new Error(code), { code, syscall });

/**
 * The body, piece by piece; whoever stops reading cuts the connection.
 * @throws where it ends before its end
 */
export const chunksOf = (response: IncomingMessage): AsyncIterable<Buffer> => response;

/** Connections that are used again, to one server: one request at a time on each, so that a cut leaves one outcome unknown. */
export function keptConnections(url: URL, options: { maxConnections: number; idleMs: number }): HttpAgent {
  const { maxConnections, idleMs } = options;
  const Agent = url.protocol === 'https:' ? HttpsAgent : HttpAgent;
  return new Agent({ keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections, timeout: idleMs });
}

/**
 * True only where no connection came about: name resolution, `connect()` and the handshake's time limit. The system call
 * tells, not the code: ECONNRESET or EHOSTUNREACH can also hit a connection that carried the request.
 */
export function neverLeft(error: unknown): boolean {
  const { syscall, errors } = parts(error);
  // Node tries every address of a host name, and reports each.
  if (Array.isArray(errors)) return errors.length > 0 && errors.every(neverLeft);
  return syscall === 'connect' || syscall === 'getaddrinfo';
}

/** By shape, not by class: errors of Node's core need not be instances of this realm's Error. */
function parts(error: unknown): { syscall?: unknown; errors?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}
