/** What operators filter by in the Temporal UI. Readable by whoever sees the server: no names, no account numbers. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const MERCHANT_ID = defineSearchAttributeKey('MerchantId', SearchAttributeType.KEYWORD);
export const CURRENCY = defineSearchAttributeKey('Currency', SearchAttributeType.KEYWORD);
export const NEEDS_OPERATOR = defineSearchAttributeKey('NeedsOperator', SearchAttributeType.BOOL);
export const AMOUNT_MINOR = defineSearchAttributeKey('AmountMinor', SearchAttributeType.INT);
export const PAYOUT_STATUS = defineSearchAttributeKey('PayoutStatus', SearchAttributeType.KEYWORD);
export const PAYOUT_KIND = defineSearchAttributeKey('PayoutKind', SearchAttributeType.KEYWORD);
export const RESOLUTION_STATE = defineSearchAttributeKey('ResolutionState', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = [
  MERCHANT_ID, PAYOUT_STATUS, PAYOUT_KIND, CURRENCY, NEEDS_OPERATOR, AMOUNT_MINOR, RESOLUTION_STATE,
]; // biome-ignore format: a list
