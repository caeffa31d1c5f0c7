/** A table of the API as a file. */
import { file } from './api.ts';

/** @throws Failure, also where it breaks off half-way */
export async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await file(path));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
