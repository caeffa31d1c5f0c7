/** A refusal on its way to the client, thrown by the routes and worded by the server. */
import type { z } from 'zod';

export class Refusal extends Error {
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

/** @throws Refusal, 400, naming each field. Never the value: it may be an account number. */
export function readBy<T extends z.ZodType>(schema: T, value: unknown, ...under: string[]): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => {
    const place = [...under, ...path.map(String)].join('.');
    return `${place === '' ? 'body' : place}: ${message}`;
  });
  throw new Refusal(400, 'invalid_request', lines.join('; '));
}
