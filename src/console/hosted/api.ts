/** Asking the API as this page: by its token, and never by the cookie of somebody who is signed in to the console. */
import createClient from 'openapi-fetch';
import type { paths } from '../../generated/api.d.ts';
import { type Answer, type Schemas, unwrap } from '../api.ts';
import { token } from './token.ts';

export const ourHeaders = (): Record<string, string> => ({ authorization: `Bearer ${token}` });

export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'omit' });
api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(ourHeaders())) request.headers.set(name, value);
    return request;
  },
});

export type WithdrawalPage = Schemas['WithdrawalPage'];
export type PayinPage = Schemas['PayinPage'];
export type Slice = WithdrawalPage['withdrawal']['batches'][number];

/** @param key the same for every repeat of the same proof. @throws Failure */
export async function showProof(form: FormData, key: string): Promise<void> {
  const headers = { ...ourHeaders(), 'x-idempotency-key': key };
  const asked = fetch('/api/pages/payin/proof', { method: 'POST', headers, credentials: 'omit', body: form });
  await unwrap(asked.then(answerOf));
}

async function answerOf(response: Response): Promise<Answer<unknown>> {
  const body: unknown = await response.json().catch(() => undefined);
  return response.ok ? { data: body, response } : { error: body, response };
}
