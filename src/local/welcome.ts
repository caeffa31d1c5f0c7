import { join } from 'node:path';
import type { Credentials } from './home.ts';

/** What a newcomer needs next. The payout's key and reference are new each time, so that the command makes one each time. */
export function welcome(
  { baseUrl, temporalUi, sandboxUrl, flutterwaveUrl, merchants }: Credentials,
  { home, mail }: { readonly home: string; readonly mail: string },
  now = new Date(),
): string {
  const key = merchants[0]?.testKey ?? '';
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '');
  return `
oncepay is ready.

  console       ${baseUrl}/console        sign in with a key of an admin or a merchant
  API           ${baseUrl}        docs ${baseUrl}/docs
  Temporal UI   ${temporalUi}        to read payloads there, sign in to the console as an admin
  sandbox PSP   ${sandboxUrl}/control/transfers
  Flutterwave   ${flutterwaveUrl}/control/transfers (simulated)
  keys          ${join(home, 'credentials.json')}
  mail          ${mail}

A payout:

  curl -s ${baseUrl}/api/v1/payouts \\
    -H 'X-API-KEY: ${key}' \\
    -H 'X-IDEMPOTENCY-KEY: first-${stamp}' -H 'Content-Type: application/json' \\
    -d '{"amount":"1500.00","currency":"PKR","reference":"INV-${stamp}","destination":{"type":"bank","bankCode":"HBL","accountNumber":"12345678900001","accountTitle":"Ayesha Khan"}}'

Ctrl-C stops everything; nothing is lost.
`;
}
