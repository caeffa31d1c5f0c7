/** Newline-delimited JSON as it comes in: line by line, whatever the whole is long. A line is held at most `most` bytes long. */

export type Line =
  /** Counted from 1, with the empty ones. */
  { readonly line: number } & (
    | { readonly ok: true; readonly text: string }
    | { readonly ok: false; readonly code: 'line_too_long' | 'invalid_utf8'; readonly detail: string }
  );

const NEWLINE = 0x0a;

/** Empty lines are counted and left out. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Line> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  let line = 0;

  function hold(part: Uint8Array): void {
    bytes += part.length;
    if (bytes > most)
      held = []; // it is refused anyway
    else held.push(part);
  }
  function* close(): Generator<Line> {
    line += 1;
    const read = bytes > most ? tooLong(most) : decode(held);
    held = [];
    bytes = 0;
    if (!read.ok || read.text.trim() !== '') yield { line, ...read };
  }

  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, at));
      yield* close();
      from = at + 1;
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (bytes > 0) yield* close();
}

const tooLong = (most: number) => ({ ok: false, code: 'line_too_long', detail: `A line has at most ${most} bytes.` }) as const;

function decode(parts: readonly Uint8Array[]) {
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)) } as const;
  } catch {
    return { ok: false, code: 'invalid_utf8', detail: 'A line must be UTF-8.' } as const;
  }
}
