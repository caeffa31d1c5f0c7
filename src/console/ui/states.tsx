/** What stands where there is nothing to show: not yet, not at all, or not now. */
import type { ReactNode } from 'react';
import { Failure } from '../api.ts';

export function Loading() {
  return (
    <p className="state" role="status">
      Loading…
    </p>
  );
}

export function Empty({ children }: { readonly children: ReactNode }) {
  return <p className="state">{children}</p>;
}

/** What to do about an answer, by its status. */
const ADVICE: Readonly<Record<number, string>> = {
  0: 'Try again when you are connected.',
  403: 'Somebody with another role, or another key, can do this.',
  404: 'Look at the address: it may be somebody else’s, or never have been.',
  409: 'It has changed meanwhile: look at it again.',
  410: 'It does not come back.',
  429: 'Wait a moment, then try again.',
  500: 'Tell whoever runs oncepay the request id.',
  503: 'It comes back by itself: try again in a moment.',
};

export function Failed({ error, again }: { readonly error: Error; readonly again?: () => void }) {
  const { status = -1, requestId, faults = [] } = error instanceof Failure ? error : {};
  return (
    <div className="state failed" role="alert">
      <p>
        <strong>{error.message}</strong> {ADVICE[status]}
      </p>
      {faults.length > 1 && (
        <ul>
          {faults.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      {requestId && (
        <p className="faint">
          Request <code>{requestId}</code>
        </p>
      )}
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

interface Asked<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly refetch: () => unknown;
}

/** One thing that was asked for, once it is here. What was shown before stays while it is asked anew. */
export function Shown<T>({ of, children }: { readonly of: Asked<T>; readonly children: (data: T) => ReactNode }) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error && <Failed error={of.error} again={() => void of.refetch()} />}
        {children(of.data)}
      </>
    );
  }
  return of.error ? <Failed error={of.error} again={() => void of.refetch()} /> : <Loading />;
}
