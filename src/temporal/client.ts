/** The API's way to Temporal: one connection, made when first needed, and one word for "Temporal is away". */
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { Away } from '../net/away.ts';
import { clientSettings } from './clientSettings.ts';

/** What only has to be stored (a signal, a start, a change of the Schedule): seconds mean that Temporal is away. */
export const RPC_TIMEOUT_MS = 5_000;

export interface TemporalSettings {
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly encryptionKeys: string;
}

/** Temporal cannot be reached or does not answer: 503. What was asked may have been done; asking again is safe. */
export class TemporalUnavailable extends Away {
  override name = 'TemporalUnavailable';
  readonly what = 'Temporal';
}

export interface TemporalLink {
  readonly client: Client;
  close(): Promise<void>;
}

/** Never waits for the server: the API starts without it, and the channel connects again by itself. */
export function connectTemporal(settings: TemporalSettings): TemporalLink {
  const connection = Connection.lazy({ address: settings.temporalAddress });
  const client = new Client({
    connection,
    namespace: settings.temporalNamespace,
    ...clientSettings(settings.encryptionKeys),
  });
  return { client, close: () => connection.close() };
}

// gRPC status codes (grpc.github.io/grpc/core/md_doc_statuscodes.html)
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const INTERNAL = 13;
const UNAVAILABLE = 14;

const PASSING = [UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, INTERNAL, UNAVAILABLE];

/**
 * Turns "the server is away" into TemporalUnavailable; lets everything else through. So too where the server is there and
 * no worker gets the workflow's task done (broken code, or a machine so busy that the task times out): that passes. And so
 * does a mistake of the server's own (UNKNOWN, INTERNAL): it is none of ours, and asking again is safe.
 */
export function unavailableOr(error: unknown): unknown {
  const refusal = refusalIn(error);
  return refusal && PASSING.includes(refusal.code)
    ? new TemporalUnavailable('Temporal does not answer', { cause: error })
    : error;
}

/** What the server said, in gRPC's words, wherever it stands in the error; undefined where it said nothing. */
export function refusalIn(error: unknown): { readonly code: number; readonly details: string } | undefined {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    if (isGrpcServiceError(each)) return each;
  }
  return undefined;
}
