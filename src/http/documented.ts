/** What the OpenAPI document says of a route, in short. The presenters beside the routes make the answers. */
import { z } from 'zod';
import { idempotencyHeaders, KEY_NEEDED, type ProblemStatus, readAnswers, writeAnswers } from './answers.ts';

/** For readers of the document only: nothing checks an answer on its way out, and no type of it binds the handlers. */
type Documented = Readonly<Record<number, unknown>>;

/** For routes without query parameters: an unknown one is refused. */
export const noQuery = z.strictObject({});

/** For routes whose body says nothing: none, `null` or `{}`. */
export const noBody = z.strictObject({}).nullish();

/** What cannot be an id becomes one that nobody has: 404 as for any other, and no odd byte ever gets to PostgreSQL. */
export const byId = z.strictObject({ id: z.string().transform((text) => (/^[\x21-\x7e]+$/.test(text) ? text : '-')) });

/** A filter's value: whatever it is compared with is printable ASCII. */
export const word = z.string().regex(/^[\x20-\x7e]{1,128}$/, 'Must be 1 to 128 printable ASCII characters.');

/** A filter by status: one, or several separated by commas or given repeatedly. */
export const statusQuery = <Status extends string>(statuses: readonly Status[]) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((given, context) => {
      const words = [given].flat().flatMap((each) => each.split(','));
      const known = words.filter((word): word is Status => statuses.some((status) => status === word));
      if (known.length < words.length) context.addIssue({ code: 'custom', message: `Must be of ${statuses.join(', ')}.` });
      return known;
    })
    .optional()
    .meta({ type: 'array', items: { enum: statuses }, anyOf: undefined });

/** For routes under an idempotency key; the hook reads it. */
export const keyed = { headers: idempotencyHeaders.optional() };

export const documented = (tag: string) => ({
  read: (summary: string, answer: z.ZodType, ...problems: ProblemStatus[]) => ({
    tags: [tag],
    summary,
    security: KEY_NEEDED,
    response: readAnswers({ 200: answer }, 404, ...problems) as Documented,
  }),
  write: (summary: string, status: 200 | 201 | 202 | 204, answer: z.ZodType) => ({
    tags: [tag],
    summary,
    security: KEY_NEEDED,
    response: writeAnswers({ [status]: answer }, 404) as Documented,
  }),
});
