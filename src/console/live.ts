/** What happens at a merchant, as it happens, for whoever is signed in with its key. */
import { ourHeaders } from './api.ts';
import { isOfTheSession, queries } from './query.ts';
import { useSession } from './session.tsx';
import { type Live, useStream } from './stream.ts';

const changed = (): void => void queries.invalidateQueries({ predicate: isOfTheSession });

export function useLive(): Live {
  const { who } = useSession();
  const isHeard = who.kind === 'merchant';
  return useStream(isHeard ? { name: `oncepay-live-${who.keyId}`, url: '/api/v1/stream', headers: ourHeaders } : null, changed);
}
