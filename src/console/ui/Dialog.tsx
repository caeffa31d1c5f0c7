/** A dialog that names what is about to be done, and what of it cannot be undone. */
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react';
import { Failed } from './states.tsx';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps extends DialogProps {
  /** The button that does it. */
  readonly act: string;
  readonly isGrave?: boolean;
  readonly isBusy?: boolean;
  readonly error?: Error | null;
  readonly onAct: (form: FormData) => void;
}

/** Enter does it, Escape does not. */
export function Confirm({ act, isGrave = false, isBusy = false, error, onAct, onClose, title, children }: ConfirmProps) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (!isBusy) onAct(new FormData(event.currentTarget));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        {error && <Failed error={error} />}
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={isGrave ? 'grave' : 'main'} disabled={isBusy}>
            {isBusy ? 'One moment…' : act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is shown once: whoever closes it has it, or never will. */
export function Secret({
  title,
  secret,
  onClose,
}: {
  readonly title: string;
  readonly secret: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>It is shown here only. Keep it where your programs read their secrets.</p>
      <p>
        <code className="secret">{secret}</code>
      </p>
      <div className="buttons">
        <button type="button" onClick={() => void navigator.clipboard.writeText(secret)}>
          Copy
        </button>
        <button type="button" className="main" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}

export const textOf = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
};
