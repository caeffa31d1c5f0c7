/** Signed in to the console, as a browser would be: its cookie, and the token that the page sends with it. */
import type { Door } from './door.ts';

export interface SignedIn {
  readonly id: string;
  /** `name=value`. */
  readonly cookie: string;
  readonly csrfToken: string;
  /** What the page sends with every request. */
  readonly headers: Readonly<Record<string, string>>;
}

export async function signedIn(door: Door, key: string, headers: Record<string, string> = {}): Promise<SignedIn> {
  const answer = await door.call('POST', '/console/session', { body: { key }, headers });
  if (answer.status !== 201) throw new Error(answer.text);
  const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
  const { id, csrfToken } = answer.body;
  return { id, cookie, csrfToken, headers: { cookie, 'x-csrf-token': csrfToken } };
}
