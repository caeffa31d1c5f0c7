/** A refusal on its way to the client, thrown by the routes and worded by the server. */
import type { ErrorReply } from './wire.ts';

type Code = ErrorReply['error']['code'] | 'forbidden';

export class Refusal extends Error {
  readonly statusCode: number;
  readonly code: Code;

  constructor(statusCode: number, code: Code, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }

  /** 400 naming each field. Never the value: it may be an account number. */
  static ofIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): Refusal {
    const lines = issues.map(({ path, message }) => `${path.length > 0 ? path.map(String).join('.') : 'body'}: ${message}`);
    return new Refusal(400, 'invalid_request', lines.join('; '));
  }
}
