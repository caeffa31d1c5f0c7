/** Over which time what an endpoint has missed can be sent again. */

const DAY_MS = 24 * 3_600_000;

/** A month: DELIVERIES_KEPT must be more (src/config.ts). Of an event whose delivery was removed, nobody could tell that it was delivered. */
export const RECOVER_DAYS = 31;

export interface RecoveryWindow {
  readonly since: Date;
  /** Without one: to the last that happened before it was asked for. */
  readonly until: Date | undefined;
}

export interface WindowFault {
  readonly pointer: '/since' | '/until';
  readonly code: 'since_in_future' | 'since_too_old' | 'until_before_since';
  readonly detail: string;
}

export function windowFaults({ since, until }: RecoveryWindow, now: Date): WindowFault[] {
  const faults: WindowFault[] = [];
  if (since > now) faults.push({ pointer: '/since', code: 'since_in_future', detail: 'Must not be in the future.' });
  if (now.getTime() - since.getTime() > RECOVER_DAYS * DAY_MS) {
    faults.push({ pointer: '/since', code: 'since_too_old', detail: `Must be within the last ${RECOVER_DAYS} days.` });
  }
  if (until && until < since) {
    faults.push({ pointer: '/until', code: 'until_before_since', detail: 'Must not be before since.' });
  }
  return faults;
}
