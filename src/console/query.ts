/** What screens ask and do, over TanStack Query: one cache a tab, whose every failure is shown where it belongs. */
import {
  keepPreviousData,
  MutationCache,
  QueryCache,
  QueryClient,
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { Failure, unwrap } from './api.ts';

export const SESSION: QueryKey = ['session'];

/** Whatever else is known: it is of whoever is signed in. */
export const isOfTheSession = ({ queryKey }: { readonly queryKey: QueryKey }): boolean => queryKey[0] !== SESSION[0];

/** Without a stream: often enough that two who decide see each other. */
export const OFTEN_MS = 3_000;
export const SELDOM_MS = 15_000;

/** Twice more where nobody answered, or was away: PostgreSQL and Temporal restart within seconds. */
const isWorthARepeat = (count: number, error: unknown): boolean =>
  count < 2 && error instanceof Failure && (error.status === 0 || error.status === 503);

/** The session is over, whichever request finds out. */
const onError = (error: unknown): void => {
  if (error instanceof Failure && error.status === 401) queries.setQueryData(SESSION, null);
};

export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: { queries: { retry: isWorthARepeat, retryDelay: 1_500, staleTime: 1_000 } },
});

type Asking<T> = Parameters<typeof unwrap<T>>[0];

interface Options {
  /** Asked again this often, while the page is seen. */
  readonly every?: number | undefined;
  readonly enabled?: boolean;
}

export function useAsk<T>(key: QueryKey, ask: () => Asking<T>, { every, enabled = true }: Options = {}) {
  return useQuery({
    queryKey: key,
    queryFn: () => unwrap(ask()),
    refetchInterval: every ?? false,
    placeholderData: keepPreviousData,
    enabled,
  });
}

/** A list of the API, a page after the other. */
export interface Page<Row> {
  readonly data: readonly Row[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

export function usePages<Row>(key: QueryKey, ask: (cursor: { cursor?: string }) => Asking<Page<Row>>, options: Options = {}) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => unwrap(ask(pageParam === '' ? {} : { cursor: pageParam })),
    initialPageParam: '',
    getNextPageParam: ({ hasMore, nextCursor }: Page<Row>) => (hasMore ? nextCursor : null),
    refetchInterval: options.every ?? false,
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
  });
  return { ...query, rows: query.data?.pages.flatMap(({ data }) => data) ?? [] };
}
export type Listed<Row> = ReturnType<typeof usePages<Row>>;

/** Something that changes things: afterwards everything is asked anew. */
export function useAct<In, Out>(act: (input: In) => Asking<Out>, then?: (out: Out, input: In) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: In) => unwrap(act(input)),
    async onSuccess(out, input) {
      then?.(out, input);
      await client.invalidateQueries({ predicate: isOfTheSession });
    },
  });
}
