/** Who is paid, as far as anybody here needs to know. */
import type { Schemas } from '../api.ts';

type Destination = Schemas['Payout']['destination'];

export function Payee(destination: Destination) {
  const place = destination.type === 'bank' ? destination.bankCode : destination.walletCode;
  return (
    <span>
      {destination.accountTitle ?? 'no name'}{' '}
      <span className="faint">
        {place} …{destination.accountLast4}
      </span>
    </span>
  );
}

export const payeeInWords = (destination: Destination): string =>
  `${destination.accountTitle ?? 'no name'}, ${destination.type === 'bank' ? destination.bankCode : destination.walletCode} …${destination.accountLast4}`;
