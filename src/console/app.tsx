/** Signed in, the screen of the path; else the door. */
import { useQuery } from '@tanstack/react-query';
import { SESSION } from './query.ts';
import { SignIn } from './screens/SignIn.tsx';
import { readSession, SessionProvider } from './session.tsx';
import { Shell } from './shell.tsx';
import { Failed, Loading } from './ui/states.tsx';

export function App() {
  const session = useQuery({ queryKey: SESSION, queryFn: readSession, staleTime: Number.POSITIVE_INFINITY });
  if (session.data) {
    return (
      <SessionProvider value={session.data}>
        <Shell />
      </SessionProvider>
    );
  }
  if (session.isPending) return <Loading />;
  if (session.isError) return <Failed error={session.error} again={() => void session.refetch()} />;
  return <SignIn />;
}
