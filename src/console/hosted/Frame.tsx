/** What stands around every hosted page: whose it is, whether it is live, and the way back. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Failure } from '../api.ts';
import { type Live, useStream } from '../stream.ts';
import { Failed, Loading } from '../ui/states.tsx';
import { ourHeaders } from './api.ts';
import { AheadProvider } from './Countdown.tsx';
import { token } from './token.ts';

interface Around {
  readonly merchant: { readonly name: string };
  readonly returnUrl: string | null;
  readonly now: string;
}

export const PAGE = ['page'];

interface FrameProps<T extends Around> {
  readonly title: string;
  readonly ask: () => Promise<T>;
  /** What it is about: tabs that show the same share a stream. */
  readonly idOf: (page: T) => string;
  /** When it ended: then what came of it is shown, wherever its reader was on the page. */
  readonly endedAt: (page: T) => string | null;
  /** @param back the way back, where there is one. */
  readonly children: (page: T, back: ReactNode) => ReactNode;
}

export function Frame<T extends Around>({ title, ask, idOf, endedAt, children }: FrameProps<T>) {
  const client = useQueryClient();
  const asked = useQuery({ queryKey: PAGE, queryFn: ask, enabled: token !== '' });
  const page = asked.data;
  const source = page ? { name: `oncepay-page-${idOf(page)}`, url: '/api/pages/stream', headers: ourHeaders } : null;
  const live = useStream(source, () => void client.invalidateQueries());
  useEffect(() => {
    document.title = page ? `${title} · ${page.merchant.name}` : title;
  }, [title, page]);
  const ended = page ? endedAt(page) : null;
  useEffect(() => {
    if (ended !== null) scrollTo({ top: 0 });
  }, [ended]);
  if (token === '' || isOver(asked.error)) return <Over />;
  if (!page)
    return <Outline>{asked.error ? <Failed error={asked.error} again={() => void asked.refetch()} /> : <Loading />}</Outline>;
  return (
    <AheadProvider value={Date.parse(page.now) - asked.dataUpdatedAt}>
      <Outline name={page.merchant.name} live={live}>
        {asked.error && <Failed error={asked.error} again={() => void asked.refetch()} />}
        {children(page, <Back of={page} />)}
      </Outline>
    </AheadProvider>
  );
}

function Back({ of: { merchant, returnUrl } }: { readonly of: Around }) {
  if (returnUrl === null) return null;
  return (
    <p className="back">
      <a href={returnUrl} target="_top" rel="noreferrer">
        Back to {merchant.name}
      </a>
    </p>
  );
}

/** The token opens nothing, or nothing that there is. */
const isOver = (error: Error | null): boolean => error instanceof Failure && (error.status === 401 || error.status === 404);

function Over() {
  return (
    <Outline>
      <h1>This link does not open anything any more</h1>
      <p className="state" role="alert">
        It was open for two hours, or is not whole. Go back to where you came from, and open the page from there again. What you
        have paid or confirmed is kept.
      </p>
    </Outline>
  );
}

function Outline({
  name,
  live = 'live',
  children,
}: {
  readonly name?: string;
  readonly live?: Live;
  readonly children: ReactNode;
}) {
  return (
    <>
      <header>
        <span className="brand">{name ?? 'Payment'}</span>
      </header>
      {live !== 'live' && (
        <p className="notice lost" role="status">
          Not connected: what you see may be old. It comes back by itself, and catches up.
        </p>
      )}
      <main className="hosted">{children}</main>
    </>
  );
}
