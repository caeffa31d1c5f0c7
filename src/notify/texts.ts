/**
 * What a notification says, in plain text. Pure: from what happened to a subject, a body for mail and a line for a push.
 * Of an account only the last four digits are ever named, whatever a PSP may have put into its messages.
 */

import type { FailureClass } from '../payouts/rules/failures.ts';
import { formatMajor } from '../rules/money.ts';
import type { EndpointNotice, Notice, PayoutNotice, PayoutNoticeData, PayoutNoticeKind } from './rules/notifications.ts';

export interface Message {
  readonly subject: string;
  /** Plain text, wrapped by whoever shows it. */
  readonly text: string;
  /** One or two sentences, for where there is no room. */
  readonly brief: string;
}

export interface Places {
  /** Where operators and merchants reach the API. */
  readonly publicUrl: string;
}

/** Paragraphs after the greeting; the first is also the brief. */
interface Told {
  readonly subject: string;
  readonly paragraphs: readonly string[];
}

export function messageOf(notice: Notice, places: Places): Message {
  const isEndpoint = notice.kind === 'endpoint_disabled';
  const { subject, paragraphs } = isEndpoint ? endpointDisabled(notice, places) : TELL[notice.kind](notice, places);
  const isTest = notice.mode === 'test';
  const about = isEndpoint ? 'an endpoint' : 'a payout';
  const closing = isTest ? [`This is about ${about} in test mode: no real money was moved.`] : [];
  return {
    subject: isTest ? `[test] ${subject}` : subject,
    text: `${[`Hello ${notice.data.recipientName},`, ...paragraphs, ...closing].join('\n\n')}\n`,
    brief: paragraphs[0] ?? subject,
  };
}

function endpointDisabled({ endpointId, data }: EndpointNotice, { publicUrl }: Places): Told {
  const { failingSince } = data;
  const endpoint = `${publicUrl}/api/v1/webhook-endpoints/${endpointId}`;
  const since = failingSince === null ? 'for five days' : `since ${failingSince}`;
  return {
    subject: `Your webhook endpoint at ${hostOf(data.url)} was switched off`,
    paragraphs: [
      `Your webhook endpoint ${withoutSecrets(data.url)} has not answered ${since}, and nothing is sent there any more.`,
      `${waitingOf(data.waiting)} No payout waits for it: only you were not told.`,
      `What to do: mend the receiver. Then switch it on again with PATCH ${endpoint} and the body { "disabled": false }.`,
      `What it missed is sent again by POST ${endpoint}/recover with the body { "since": "${failingSince ?? '…'}" }; what was delivered is not.`,
      `Endpoint: ${endpointId}`,
    ],
  };
}

/** SQL counts no further. */
const COUNTED_MAX = 10_000;

function waitingOf(waiting: number): string {
  if (waiting > COUNTED_MAX) return 'More than 10,000 events waited for it.';
  return waiting === 1 ? 'One event waited for it.' : `${waiting || 'No'} events waited for it.`;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

/** A token may stand behind the question mark: a mail is read by more people than the API is. */
const withoutSecrets = (url: string): string => (URL.canParse(url) ? `${new URL(url).origin}${new URL(url).pathname}` : url);

const TELL: Readonly<Record<PayoutNoticeKind, (notice: PayoutNotice, places: Places) => Told>> = {
  payout_completed: ({ payoutId, data }) => ({
    subject: `Your payout of ${amountOf(data)} has been paid`,
    paragraphs: [
      `Your payout of ${amountOf(data)} to ${accountOf(data)} has been made.`,
      'You need do nothing. Should the money not be in your account by the end of the next working day, ask support and name the payout below.',
      `Payout: ${payoutId}`,
    ],
  }),

  payout_failed: ({ payoutId, data }) => ({
    subject: `Your payout of ${amountOf(data)} failed`,
    paragraphs: [
      `Your payout of ${amountOf(data)} to ${accountOf(data)} could not be made. ${availableAgain(data)}`,
      `Why: ${reasonOf(data)}`,
      `What to do: ${nextStep(data.failure)}`,
      `Payout: ${payoutId}`,
    ],
  }),

  payout_returned: ({ payoutId, data }) => ({
    subject: `Your payout of ${amountOf(data)} came back`,
    paragraphs: [
      `Your payout of ${amountOf(data)} to ${accountOf(data)} was made, and then sent back by the bank. ${availableAgain(data)}`,
      `Why: ${withoutAccountNumbers(data.reason ?? 'the bank gave no reason')}`,
      `What to do: ${FIX_ACCOUNT}`,
      `Payout: ${payoutId}`,
    ],
  }),

  review_needed: ({ payoutId, data }, places) => ({
    subject: `A payout of ${amountOf(data)} needs a review`,
    paragraphs: [
      `${data.providerName} asks for a payout of ${amountOf(data)} to ${accountOf(data)}, and an approver must decide.`,
      `Why:\n${data.reviewReasons.map(({ code, detail }) => `- ${detail} (${code})`).join('\n')}`,
      'What to do: look at the payout, then approve or reject it. Nothing is sent before; one that nobody decides is rejected when its review window ends.',
      whereToLook(payoutId, places),
    ],
  }),

  retries_exhausted: ({ payoutId, data }, places) => ({
    subject: `A payout of ${amountOf(data)} failed ${times(data.attempts)} and needs an operator`,
    paragraphs: [
      `The payout of ${amountOf(data)} by ${data.providerName} to ${accountOf(data)} failed ${times(data.attempts)}, and is not tried again by itself. The provider's earnings are available again.`,
      `Why, the last time: ${reasonOf(data)}`,
      `What to do: find out at ${data.psp} what is wrong. Then start it again with POST ${places.publicUrl}/api/admin/payouts/${payoutId}/retry`,
      whereToLook(payoutId, places),
    ],
  }),

  psp_funds_short: ({ payoutId, mode, data }, places) => ({
    subject: `Our ${data.currency} account at ${data.psp} is short of funds`,
    paragraphs: [
      `${data.psp} refuses ${mode} payouts in ${data.currency}, because our own account there does not cover them. The first in this hour was one of ${amountOf(data)}.`,
      `In its words: ${reasonOf(data)}`,
      `What to do: fill up the ${data.currency} account at ${data.psp}. No payout has failed: they wait, and are sent by themselves once there is enough. You are told at most once an hour.`,
      whereToLook(payoutId, places),
    ],
  }),
};

const amountOf = ({ amountMinor, currency }: PayoutNoticeData): string =>
  `${formatMajor(BigInt(amountMinor), currency)} ${currency}`;

const accountOf = ({ accountLast4, bank }: PayoutNoticeData): string => `the account ending in ${accountLast4} (bank ${bank})`;

function availableAgain({ amountMinor, feeMinor, currency }: PayoutNoticeData): string {
  const money = formatMajor(BigInt(amountMinor) + BigInt(feeMinor), currency);
  return `${money} ${currency}${feeMinor === '0' ? '' : ', its fee included,'} are available in your earnings again.`;
}

const reasonOf = ({ failure, reason }: PayoutNoticeData): string =>
  withoutAccountNumbers(failure?.message ?? reason ?? 'no reason was given');

const times = (attempts: number): string => (attempts === 1 ? 'once' : `${attempts} times`);

const whereToLook = (payoutId: string, { publicUrl }: Places): string =>
  `Payout: ${payoutId}\n${publicUrl}/api/admin/payouts/${payoutId}`;

const FIX_ACCOUNT = 'check the bank and the account number we have of you, have them corrected, then ask for the payout again.';
const ASK_SUPPORT =
  'nothing is wrong with your request. Ask for the payout again; if that fails too, ask support and name the payout below.';
const OTHER_ACCOUNT = 'ask your bank why it does not take the money, or give us another account. Then ask for the payout again.';

/** What a provider can do about a failure of each class (src/payouts/rules/failures.ts says what they mean). */
const NEXT_STEPS: Readonly<Record<FailureClass, string>> = {
  A: ASK_SUPPORT,
  B: 'nothing: it is a passing trouble between us and the bank. Our operators have been told and may start it again; you may also ask for a new payout.',
  C: 'your bank cannot be reached this way at the moment. Give us an account at another bank, or ask for the payout again later.',
  D: ASK_SUPPORT,
  E: FIX_ACCOUNT,
  F: OTHER_ACCOUNT,
  G: ASK_SUPPORT,
  H: ASK_SUPPORT,
  I: ASK_SUPPORT,
  J: FIX_ACCOUNT,
  K: ASK_SUPPORT,
};

const nextStep = (failure: PayoutNoticeData['failure']): string => (failure?.class ? NEXT_STEPS[failure.class] : ASK_SUPPORT);

/** Anything as long as an account number, also in groups; shorter ones are codes and dates. */
const ACCOUNT_NUMBER = /[0-9](?:[ -]?[0-9]){6,}/g;

function withoutAccountNumbers(text: string): string {
  return text.replace(ACCOUNT_NUMBER, (number) => `…${number.replace(/[^0-9]/g, '').slice(-4)}`);
}
