/** One slice, as whoever decides must see it: whoever had it, what they showed, beside it what the payee's bank says. */
import { api, type Schemas } from '../api.ts';
import { type InstantActName, InstantActs } from '../instantActs.tsx';
import { OFTEN_MS, useAsk } from '../query.ts';
import { useMay } from '../session.tsx';
import { Facts, Id, inWords, Section, State, Time } from '../ui/bits.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { ProofImage } from './ProofImage.tsx';
import { Why } from './Why.tsx';

type Batch = Schemas['AdminInstantPayoutBatch'];
type Turn = Batch['turns'][number];

interface SliceProps {
  readonly slice: Batch;
  /** As it was then; undefined: as it is. */
  readonly at: string | undefined;
}

const MONEY: Readonly<Record<Batch['money'], string>> = {
  held: 'still reserved at the payee',
  credited: 'with the payer',
  released: 'back with the payee',
  reversed: 'taken back from the payer',
  handed: 'with a payout of the rest',
};

const words = (name: string): string => name.replaceAll('_', ' ');

export function Slice({ slice, at }: SliceProps) {
  const { id, dispute, review, currency } = slice;
  const params = { path: { id }, query: at ? { at } : {} };
  const why = useAsk(['why', id, at], () => api.GET('/api/admin/instant-payouts/batches/{id}/explain', { params }), {
    every: at ? undefined : OFTEN_MS,
  });
  return (
    <Section title={`Slice ${slice.number}`}>
      <p className="big">
        {inWords(slice.amount, currency)} <State is={slice.status} />
      </p>
      <Shown of={why}>{(told) => <Why of={told} what={`slice ${slice.number}`} />}</Shown>
      <Facts
        of={{
          'Its money': `${inWords(slice.amount, currency)}, ${MONEY[slice.money]}`,
          'In review because': review?.reasons.map((reason) => <div key={reason}>{words(reason)}</div>),
          'To be looked at by': slice.validatorId && <Id of={slice.validatorId} />,
          'They have until': slice.validateUntil && <Time at={slice.validateUntil} />,
          'Its payer pays until': slice.status === 'assigned' && slice.payUntil ? <Time at={slice.payUntil} /> : null,
          'The payee is waited for until': slice.confirmUntil && <Time at={slice.confirmUntil} />,
          Disputed: dispute && `${words(dispute.reason)} (by ${dispute.openedBy})`,
          'Disputed since': dispute && <Time at={dispute.openedAt} />,
          'The dispute was decided': dispute?.decision && `${dispute.decision} by ${dispute.decidedBy}: ${dispute.note ?? ''}`,
          Receipt: slice.receiptId,
          Credited: slice.creditedAt && <Time at={slice.creditedAt} />,
          Confirmed: slice.confirmedAt && <Time at={slice.confirmedAt} />,
          Id: <Id of={id} />,
          Workflow: (
            <a href={slice.temporalUi} target="_blank" rel="noreferrer">
              of slice {slice.number} in the Temporal UI
            </a>
          ),
        }}
      />
      {!at && why.data && <Deciding slice={slice} actions={why.data.actions} />}
      {slice.turns.length === 0 && <Empty>Nobody has had it yet.</Empty>}
      {slice.turns.toReversed().map((turn) => (
        <TurnOf key={turn.payin.id} turn={turn} slice={slice} isNow={at === undefined} />
      ))}
    </Section>
  );
}

interface DecidingProps {
  readonly slice: Batch;
  readonly actions: Schemas['Explanation']['actions'];
}

/** What the API lets whoever is signed in do now. */
function Deciding({ slice, actions }: DecidingProps) {
  const isDisputed = slice.status === 'disputed';
  const names = actions.flatMap(({ action, mayYou }): InstantActName[] => {
    if (!mayYou) return [];
    if (action === 'reassign') return [action];
    if (action !== 'approve' && action !== 'reject') return [];
    return isDisputed ? [`${action}-disputed`] : [action];
  });
  return (
    <InstantActs id={slice.id} names={names}>
      <p className="big">{inWords(slice.amount, slice.currency)}</p>
      {slice.utr && <p>under the UTR {slice.utr}</p>}
    </InstantActs>
  );
}

/** What the payee's bank says of this UTR. */
function bankInWords({ bankCredits, amount }: Batch, utr: string) {
  const credit = bankCredits.find((each) => each.utr === utr);
  if (!credit) return 'nothing';
  return (
    <>
      {inWords(credit.amount, credit.currency)} came <Time at={credit.creditedAt} /> <State is={credit.status} />
      {credit.status === 'differs' && ` and not ${inWords(amount, credit.currency)}`}
    </>
  );
}

interface TurnProps {
  readonly turn: Turn;
  readonly slice: Batch;
  readonly isNow: boolean;
}

function TurnOf({ turn, slice, isNow }: TurnProps) {
  const { payin, proof, lateCase } = turn;
  const may = useMay();
  const isOpenCase = isNow && lateCase !== null && lateCase.decision === null && may('resolve');
  return (
    <article className="turn">
      <div>
        <h3>
          Payer {turn.number} <State is={payin.status} />
        </h3>
        <Facts
          of={{
            UTR: proof && `${proof.utr} (${proof.rail})`,
            Amount: proof && inWords(slice.amount, slice.currency),
            'The payee’s bank says': proof && bankInWords(slice, proof.utr),
            Shown: proof && <Time at={proof.submittedAt} />,
            Late: proof?.late ? 'it came after its deadline' : null,
            Doubts: proof?.reasons.map((reason) => <div key={reason}>{words(reason)}</div>),
            'Rejected before': lateCase?.was ? `it was ${lateCase.was}; then the payee’s bank told of it` : null,
            'Late proof':
              lateCase &&
              (lateCase.decision ? `${lateCase.decision} by ${lateCase.decidedBy}: ${lateCase.note ?? ''}` : 'to be decided'),
            User: <Id of={payin.userId} />,
            'Of the merchant': <Id of={payin.merchantId} />,
            Payin: <Id of={payin.id} />,
            'Its reference': payin.reference,
            'Got it': <Time at={turn.assignedAt} />,
            'Had until': payin.payUntil && <Time at={payin.payUntil} />,
          }}
        />
        {isOpenCase && (
          <InstantActs id={payin.id} names={['credit', 'refund', 'reject-late']}>
            <p className="big">{inWords(slice.amount, slice.currency)}</p>
            {proof && <p>under the UTR {proof.utr}</p>}
          </InstantActs>
        )}
      </div>
      {proof ? (
        <ProofImage
          path={`/api/admin/instant-payouts/batches/${slice.id}/proof?${new URLSearchParams({ payinId: payin.id })}`}
          alt={`Screenshot of payer ${turn.number}`}
        />
      ) : (
        <Empty>No proof was shown.</Empty>
      )}
    </article>
  );
}
