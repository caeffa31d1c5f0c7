/** Everything that webhooks and streams tell, of all flows. */
import { EVENT_TYPES as PAYOUT_EVENTS } from '../../payouts/rules/machine.ts';
import { USER_EVENTS } from '../../users/rules/user.ts';

export const EVENT_TYPES = [...PAYOUT_EVENTS, ...USER_EVENTS] as const;
export type EventType = (typeof EVENT_TYPES)[number];
