/** The door: a key, and a session for it. */
import { useMutation } from '@tanstack/react-query';
import { Failure } from '../api.ts';
import { signIn } from '../session.tsx';
import { textOf } from '../ui/Dialog.tsx';
import { Field } from '../ui/fields.tsx';
import { Failed } from '../ui/states.tsx';

export function SignIn() {
  const signing = useMutation({ mutationFn: (key: string) => signIn(key) });
  const isWrong = signing.error instanceof Failure && signing.error.status === 401;
  return (
    <main className="door">
      <h1>oncepay</h1>
      {!isSecureContext && (
        <p className="state failed" role="alert">
          A browser keeps nobody signed in over plain HTTP: open this page over HTTPS, or on this machine at{' '}
          <code>http://127.0.0.1</code>.
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          signing.mutate(textOf(new FormData(event.currentTarget), 'key'));
        }}
      >
        <Field
          label="Your key"
          name="key"
          type="password"
          autoComplete="off"
          required
          autoFocus
          placeholder="ak_… or pk_…"
          hint="An admin’s, or a merchant’s. It is exchanged for a session of twelve hours and kept nowhere."
          fault={isWrong ? 'This key opens nothing: it may be misspelt, revoked or expired.' : undefined}
        />
        {signing.error && !isWrong && <Failed error={signing.error} />}
        <button type="submit" className="main" disabled={signing.isPending}>
          {signing.isPending ? 'One moment…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
