/** The recorded histories: one file a path, named after it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const HISTORIES = fileURLToPath(new URL('./histories', import.meta.url));

export interface Recorded {
  readonly path: string;
  readonly workflowId: string;
  readonly history: { readonly events: readonly Record<string, unknown>[] };
}

export function recorded(): Recorded[] {
  return readdirSync(HISTORIES)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const { workflowId, events } = JSON.parse(readFileSync(`${HISTORIES}/${file}`, 'utf8')) as {
        workflowId: string;
        events: Record<string, unknown>[];
      };
      return { path: file.replace('.json', ''), workflowId, history: { events } };
    });
}
