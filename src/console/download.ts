/** A table of the API as a file: asked like everything else, so that no address holds what opens it. */
import { failureOf, ourHeaders } from './api.ts';

/** @throws Failure, also where it breaks off half-way */
export async function download(path: string, name: string): Promise<void> {
  const response = await fetch(path, { headers: ourHeaders(), credentials: 'same-origin' });
  if (!response.ok) throw failureOf(response, await response.json().catch(() => undefined));
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
