/** Several approvals with one reason: the total is shown first, each is its own decision, and what came of each is shown after. */
import { useState } from 'react';
import { api, type Schemas, unwrap } from '../api.ts';
import { isOfTheSession, queries } from '../query.ts';
import { totals } from '../sums.ts';
import { inWords } from '../ui/bits.tsx';
import { Confirm, Dialog, textOf } from '../ui/Dialog.tsx';
import { Text } from '../ui/fields.tsx';

interface BulkProps {
  readonly payouts: readonly Schemas['QueuedPayout'][];
  readonly onClose: () => void;
}

interface Outcome {
  readonly id: string;
  readonly reference: string;
  readonly said: string;
}

export function BulkApproval({ payouts, onClose }: BulkProps) {
  // As they were when the dialog opened: what is confirmed is what was shown.
  const [chosen] = useState(payouts);
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [isBusy, setBusy] = useState(false);

  async function approveAll(form: FormData): Promise<void> {
    setBusy(true);
    const body = { note: textOf(form, 'note') };
    for (const { id, reference } of chosen) {
      const approving = unwrap(api.POST('/api/admin/payouts/{id}/approve', { params: { path: { id } }, body }));
      const said = await approving.then(
        () => 'approved',
        (error: Error) => error.message,
      );
      setOutcomes((before) => [...before, { id, reference, said }]);
    }
    setBusy(false);
    await queries.invalidateQueries({ predicate: isOfTheSession });
  }

  const isDone = outcomes.length === chosen.length;
  if (isDone) {
    return (
      <Dialog title="What came of it" onClose={onClose}>
        <ul>
          {outcomes.map(({ id, reference, said }) => (
            <li key={id}>
              {reference}: {said}
            </li>
          ))}
        </ul>
        <div className="buttons">
          <button type="button" className="main" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={`Approve ${chosen.length} payouts`}
      act={`Approve ${chosen.length}`}
      isBusy={isBusy}
      onAct={(form) => void approveAll(form)}
      onClose={onClose}
    >
      {totals(chosen).map(({ amount, currency }) => (
        <p key={currency} className="big">
          {inWords(amount, currency)}
        </p>
      ))}
      <p className="warning">They are paid as soon as it is their turn. What is with a PSP cannot be called back.</p>
      <Text label="Why all of them" name="note" required maxLength={500} rows={2} />
    </Confirm>
  );
}
