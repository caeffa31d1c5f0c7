/** A client of a live stream that only looks at what came and when. */
import { get } from 'node:http';
import { now } from './clock.ts';

export interface StreamReader {
  /** It is known where it begins: nothing is missed from here on. */
  readonly begun: Promise<void>;
  close(): void;
}

/** @param heard of each event: its body, as it came, and when. */
export function readStream(
  baseUrl: string,
  { key, types }: { readonly key: string; readonly types: string },
  heard: (data: string, at: number) => void,
): StreamReader {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let rest = '';
  const request = get(`${baseUrl}/api/v1/stream?types=${types}`, { agent: false, headers: { 'x-api-key': key } });
  request.on('error', () => undefined);
  request.on('response', (incoming) => {
    if (incoming.statusCode !== 200) throw new Error(`no stream: ${incoming.statusCode}`);
    incoming.setEncoding('utf8');
    incoming.on('error', () => undefined);
    incoming.on('data', (chunk: string) => {
      const at = now();
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith('id:')) begin();
        const from = block.indexOf('\ndata: ');
        if (from >= 0) heard(block.slice(from + '\ndata: '.length), at);
      }
    });
  });
  return { begun, close: () => void request.destroy() };
}
