/** Where one is: the path below /console and its query, which holds the filters, so that a link shows what its sender saw. */
import { type ComponentProps, type MouseEvent, useSyncExternalStore } from 'react';

const BASE = '/console';
const MOVED = 'oncepay:moved';

const hrefOf = (to: string): string => BASE + (to === '/' ? '' : to);

function listen(onMove: () => void): () => void {
  addEventListener('popstate', onMove);
  addEventListener(MOVED, onMove);
  return () => {
    removeEventListener('popstate', onMove);
    removeEventListener(MOVED, onMove);
  };
}

export function navigate(to: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', hrefOf(to));
  dispatchEvent(new Event(MOVED));
}

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

export function usePlace(): Place {
  const [path = '', query = ''] = useSyncExternalStore(listen, () => `${location.pathname}?${location.search.slice(1)}`).split(
    '?',
  );
  return { path: path.slice(BASE.length).replace(/\/+$/, '') || '/', query: new URLSearchParams(query) };
}

/** The query as a filter: what is empty is not in it. */
export function useFilter<Name extends string>(names: readonly Name[]) {
  const { path, query } = usePlace();
  const filter = Object.fromEntries(names.map((name) => [name, query.get(name)]).filter(([, value]) => value)) as Partial<
    Record<Name, string>
  >;
  const set = (change: Partial<Record<Name, string>>): void => {
    const next = Object.entries({ ...filter, ...change }).filter(([, value]) => value) as [string, string][];
    navigate(next.length === 0 ? path : `${path}?${new URLSearchParams(next)}`, { replace: true });
  };
  return { filter, set };
}

/** `/payouts/:id` of `/payouts/po_1` is `{ id: 'po_1' }`. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const fits = wanted.every((part, index) => part.startsWith(':') || part === given[index]);
  if (!fits) return undefined;
  return Object.fromEntries(
    wanted.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decodeURIComponent(given[index] ?? '')]] : [])),
  );
}

export function Link({ to, ...props }: { readonly to: string } & Omit<ComponentProps<'a'>, 'href'>) {
  const follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return <a {...props} href={hrefOf(to)} onClick={follow} />;
}
