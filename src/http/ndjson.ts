/**
 * Newline-delimited JSON as it comes in: line by line, however long the whole is. A line is held at most `most` bytes long, and
 * read as a body of JSON is.
 */
import { parseJsonBody } from './plugins/jsonBody.ts';
import { Problem } from './problem.ts';

/** `line`: counted from 1, with the empty ones. `content`: its bytes, or how many they are where they are too many to be held. */
export type Line = { readonly line: number } & Said;

type Said = { readonly ok: true; readonly said: unknown } | ({ readonly ok: false; readonly content: Buffer | number } & Fault);

interface Fault {
  readonly code: string;
  readonly detail: string;
}

const NEWLINE = 0x0a;

/** Empty lines are counted and left out. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Line> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  let line = 0;

  function hold(part: Uint8Array): void {
    bytes += part.length;
    if (bytes <= most) held.push(part);
  }
  function close(): Line | undefined {
    line += 1;
    const whole = bytes <= most ? Buffer.concat(held) : undefined;
    const length = bytes;
    held = [];
    bytes = 0;
    if (!whole) return { line, ok: false, content: length, code: 'line_too_long', detail: `A line has at most ${most} bytes.` };
    return isBlank(whole) ? undefined : { line, ...read(whole) };
  }

  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, at));
      const closed = close();
      if (closed) yield closed;
      from = at + 1;
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  const last = bytes > 0 ? close() : undefined;
  if (last) yield last;
}

const BLANK: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

const isBlank = (whole: Buffer): boolean => whole.every((byte) => BLANK.has(byte));

function read(whole: Buffer): Said {
  try {
    return { ok: true, said: parseJsonBody(whole) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [first] = error.errors ?? [];
    return { ok: false, content: whole, code: first?.code ?? error.code, detail: first?.detail ?? error.message };
  }
}
