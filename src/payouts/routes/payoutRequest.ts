/** Reading `POST /payouts`: the shape in zod, for the document and for unknown fields; the rules from src/rules. */
import { z } from 'zod';
import { type Amount, amountField, currencyField, field, readAmount } from '../../http/amounts.ts';
import type { MerchantCaller } from '../../http/caller.ts';
import { readCallbackUrl } from '../../http/customerUrl.ts';
import type { FieldError } from '../../http/problem.ts';
import { parseDestination } from '../../rules/destination.ts';
import { DIRECTORY } from '../../rules/directory.ts';
import { isCurrency } from '../../rules/money.ts';
import {
  DESCRIPTION_MAX,
  descriptionFault,
  METADATA_ENTRIES_MAX,
  metadataFault,
  normalize,
  normalizeMetadata,
  REFERENCE_MAX,
  referenceFault,
  TEXT_FAULTS,
  type TextFault,
} from '../../rules/text.ts';
import { faulty, type OrderFault, readTerms } from '../orders.ts';
import type { Destination, MerchantTerms } from '../rules/contract.ts';
import type { Ordered, PayoutOrder } from '../useCases/takeIn.ts';

const accountFields = {
  accountNumber: { type: 'string', pattern: '^[0-9]{10,16}$' },
  accountTitle: { type: ['string', 'null'], maxLength: 100 },
};
const destinationField = field({
  description: 'Where the money goes: see GET /api/v1/directory for the codes.',
  oneOf: [
    {
      type: 'object',
      properties: { type: { const: 'bank' }, bankCode: { type: 'string' }, iban: { type: 'string' }, ...accountFields },
      required: ['type'],
      anyOf: [{ required: ['bankCode', 'accountNumber'] }, { required: ['iban'] }],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: { type: { const: 'wallet' }, walletCode: { type: 'string' }, ...accountFields },
      required: ['type', 'walletCode', 'accountNumber'],
      additionalProperties: false,
    },
  ],
  examples: [{ type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: 'Ayesha Khan' }],
});

export const payoutBody = z
  .strictObject({
    amount: amountField,
    currency: currencyField,
    reference: field({ type: 'string', pattern: '^[ -~]+$', minLength: 1, maxLength: REFERENCE_MAX, examples: ['INV-1001'] }),
    destination: destinationField,
    description: field({ type: ['string', 'null'], maxLength: DESCRIPTION_MAX, examples: ['May salary'] }).optional(),
    callbackUrl: field({ type: ['string', 'null'], format: 'uri', maxLength: 2048, examples: [null] }).optional(),
    metadata: field({
      type: ['object', 'null'],
      maxProperties: METADATA_ENTRIES_MAX,
      additionalProperties: { type: 'string', maxLength: 500 },
      examples: [{ order: '7' }],
    }).optional(),
  })
  .meta({ id: 'NewPayout' });

export type PayoutBody = z.infer<typeof payoutBody>;

/** Every fault at once, so that a client mends them in one go. */
export async function readPayoutOrder(
  body: PayoutBody,
  caller: MerchantCaller,
  allowLoopback: boolean,
): Promise<Ordered<OrderFault>> {
  const errors: FieldError[] = [];
  const amount = readAmount(body, errors);
  const text = (pointer: string, code: TextFault | undefined) => {
    if (code) errors.push({ pointer, code, detail: TEXT_FAULTS[code] });
  };
  text('/reference', referenceFault(body.reference));
  if (isGiven(body.description)) text('/description', descriptionFault(body.description));
  if (isGiven(body.metadata)) {
    const fault = metadataFault(body.metadata);
    if (fault) text(`/metadata${fault.pointer}`, fault.code);
  }
  await readCallbackUrl(body.callbackUrl, { allowLoopback: allowLoopback && caller.mode === 'test' }, errors);
  const destination = parseDestination(body.destination, isCurrency(body.currency) ? body.currency : null, DIRECTORY);
  if (!destination.ok && destination.status === 400) errors.push(...destination.errors);

  const terms = amount && readTerms(caller, amount, errors);
  if (errors.length > 0 || !amount || !terms) return faulty({ kind: 'invalid', errors });
  if (!destination.ok) return faulty({ kind: 'broken_rule', errors: destination.errors });
  return { kind: 'order', order: orderOf(body, caller, amount, terms, destination.destination) };
}

function orderOf(
  body: PayoutBody,
  caller: MerchantCaller,
  { minor, currency }: Amount,
  terms: MerchantTerms,
  destination: Destination,
): PayoutOrder {
  const { merchantId, mode, makerId } = caller;
  const { reference, description, callbackUrl, metadata } = body;
  return {
    merchantId,
    mode,
    makerId,
    currency,
    amountMinor: minor.toString(),
    reference: String(reference),
    description: isGiven(description) ? normalize(String(description)) : null,
    metadata: isGiven(metadata) ? normalizeMetadata(metadata as Record<string, string>) : {},
    callbackUrl: isGiven(callbackUrl) ? String(callbackUrl) : null,
    destination,
    terms,
  };
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
