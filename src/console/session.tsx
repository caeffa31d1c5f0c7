/** Who is signed in. What they see goes by it; what they may do, the API decides each time. */
import { createContext, useContext } from 'react';
import { ACTION_ROLES, type Action, mayAct } from '../rules/roles.ts';
import { api, Failure, type Schemas, setCsrfToken, unwrap } from './api.ts';
import { isOfTheSession, queries, SESSION } from './query.ts';

export type Session = Schemas['Session'];

/** The session of this browser, or null. */
export async function readSession(): Promise<Session | null> {
  try {
    return begun(await unwrap(api.GET('/console/session')));
  } catch (error) {
    if (error instanceof Failure && error.status === 401) return null;
    throw error;
  }
}

/** @throws Failure */
export async function signIn(key: string): Promise<void> {
  changed(begun(await unwrap(api.POST('/console/session', { body: { key } }))));
}

/** Here; everything that was shown is forgotten, whatever the API answers. */
export async function signOut({ everywhere = false } = {}): Promise<void> {
  await unwrap(everywhere ? api.DELETE('/console/sessions') : api.DELETE('/console/session')).catch((error: unknown) => {
    if (!(error instanceof Failure && error.status === 401)) throw error;
  });
  setCsrfToken('');
  changed(null);
}

function begun(session: Session): Session {
  setCsrfToken(session.csrfToken);
  return session;
}

/** All tabs of a browser have one session: they learn of another one by this. */
const tabs = new BroadcastChannel('oncepay-session');
tabs.addEventListener('message', () => location.reload());

function changed(session: Session | null): void {
  queries.removeQueries({ predicate: isOfTheSession });
  queries.setQueryData(SESSION, session);
  tabs.postMessage('changed');
}

const SessionContext = createContext<Session | null>(null);
export const SessionProvider = SessionContext.Provider;

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('this is shown to whoever is signed in');
  return session;
}

/** Whether their role lets them; of a merchant there is none. */
export function useMay(): (action: Action) => boolean {
  const { who } = useSession();
  return (action) => mayAct(who.role ?? '', ACTION_ROLES[action]);
}
