/** Who is told by mail of a provider's payout. */
import type { EventRow, NoticeRow } from '../books.ts';

const TOLD_TO_PROVIDERS = /^payout\.(succeeded|failed|returned)$/;

/** Who asked for it was told once of each end, and all that was to be told was sent. */
export function noticeProblems(events: readonly EventRow[], notices: readonly NoticeRow[], mails: ReadonlySet<string>): string[] {
  const ends = events.filter(({ type }) => TOLD_TO_PROVIDERS.test(type));
  const toProvider = notices.filter(({ recipient_kind }) => recipient_kind === 'provider').map(({ event_id }) => event_id);
  return [
    ...ends.flatMap(({ id, type }) => {
      const times = toProvider.filter((event) => event === id).length;
      return times === 1 ? [] : [`there are ${times} notices of ${type}`];
    }),
    ...(toProvider.length === ends.length ? [] : [`there are ${toProvider.length} notices of ${ends.length} ends`]),
    ...notices.flatMap(({ id, state }) => (state === 'sent' ? [] : [`notice ${id} is ${state}`])),
    ...notices.flatMap(({ id }) => (mails.has(id) ? [] : [`there is no mail of notice ${id}`])),
  ];
}
