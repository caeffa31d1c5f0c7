/** How long there is left until a deadline, by the server's clock: the reader's may be wrong by minutes. */
import { createContext, useContext, useEffect, useState } from 'react';

/** How much the server's clock is ahead of ours. */
const AheadContext = createContext(0);
export const AheadProvider = AheadContext.Provider;

const two = (value: number): string => String(value).padStart(2, '0');

function inClock(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Milliseconds, as the second goes; where there is no deadline, for ever. */
export function useLeft(until: string | null): number {
  const ahead = useContext(AheadContext);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(ticking);
  }, []);
  return until === null ? Number.POSITIVE_INFINITY : Date.parse(until) - (now + ahead);
}

export function Countdown({ until }: { readonly until: string }) {
  const left = useLeft(until);
  return (
    <strong role="timer" className={left < 60_000 ? 'fault clock' : 'clock'}>
      {left > 0 ? inClock(left) : 'over'}
    </strong>
  );
}
