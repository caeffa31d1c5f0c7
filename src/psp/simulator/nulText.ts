/** Text that JSON can say and PostgreSQL cannot keep: a PSP's own systems may hand on whatever a bank sent them. */

const NUL_TEXT = '\u0000\ud800';

/** The fields that have text for people, at either PSP. */
const TEXTS: ReadonlySet<string> = new Set(['reason', 'message', 'complete_message']);

/** The same body, with such text in every field that has text for people. */
export function withNul(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withNul);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      const isText = TEXTS.has(name) && (typeof value === 'string' || value === null);
      return [name, isText ? `${value ?? ''}${NUL_TEXT}` : withNul(value)];
    }),
  );
}
