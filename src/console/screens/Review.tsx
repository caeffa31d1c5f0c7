/**
 * What waits for an approver, the oldest first. By keyboard: j and k walk, a approves, r rejects, x chooses, so that several go
 * together. Two who decide at once see each other: the list is asked anew every few seconds, and a decision that came too late is
 * refused with the reason.
 */
import { useState } from 'react';
import { Decision, useWhyNot } from '../acts.tsx';
import { api, type Schemas } from '../api.ts';
import { OFTEN_MS, usePages } from '../query.ts';
import { Link, navigate } from '../router.tsx';
import { Money, Span } from '../ui/bits.tsx';
import { useKeys } from '../ui/keys.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { BulkApproval } from './BulkApproval.tsx';
import { ProofsWaiting } from './Proofs.tsx';
import { Payee } from './payee.tsx';

type Queued = Schemas['QueuedPayout'];
type Verdict = 'approve' | 'reject';

export function Review() {
  const queue = usePages(
    ['review'],
    (cursor) => api.GET('/api/admin/review-queue', { params: { query: { limit: 100, ...cursor } } }),
    { every: OFTEN_MS },
  );
  const whyNot = useWhyNot();
  const [current, setCurrent] = useState<string>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deciding, decide] = useState<{ readonly name: Verdict; readonly payout: Queued }>();
  const [isBulk, setBulk] = useState(false);
  const { rows } = queue;
  // Whoever was decided on is gone: its place is the next one's.
  const at = Math.max(
    rows.findIndex(({ id }) => id === current),
    0,
  );
  const here = rows[at];
  const isHeld = ({ state }: Queued) => state !== 'IN_REVIEW';
  const whyNotApprove = (payout: Queued) => (isHeld(payout) ? 'It is on hold: release it first.' : whyNot('approve', payout));
  const selected = rows.filter((payout) => chosen.has(payout.id) && whyNotApprove(payout) === undefined);

  const go = (by: number) => () => {
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    setCurrent(next?.id);
    document.getElementById(`row-${next?.id}`)?.scrollIntoView({ block: 'nearest' });
  };
  const choose = ({ id }: Queued): void =>
    setChosen((before) => (before.has(id) ? new Set([...before].filter((each) => each !== id)) : new Set([...before, id])));
  const begin = (name: Verdict) => () => {
    if (here && (name === 'approve' ? whyNotApprove(here) : whyNot(name, here)) === undefined) decide({ name, payout: here });
  };
  const close = (): void => {
    setCurrent(rows[at + 1]?.id ?? rows[at - 1]?.id);
    decide(undefined);
  };
  useKeys({
    j: go(1),
    k: go(-1),
    a: begin('approve'),
    r: begin('reject'),
    x: () => here && choose(here),
    o: () => here && navigate(`/payouts/${here.id}`),
  });

  if (rows.length === 0) {
    if (queue.error) return <Failed error={queue.error} again={() => void queue.refetch()} />;
    if (queue.isPending) return <Loading />;
    return (
      <>
        <Empty>Nothing waits for a decision.</Empty>
        <ProofsWaiting />
      </>
    );
  }
  return (
    <>
      <ProofsWaiting />
      {queue.error && <Failed error={queue.error} />}
      <p className="buttons left">
        <span>{queue.hasNextPage ? `${rows.length} and more wait` : `${rows.length} wait`}</span>
        <button type="button" className="main" disabled={selected.length === 0} onClick={() => setBulk(true)}>
          Approve the {selected.length} chosen
        </button>
        <span className="faint">
          <kbd>j</kbd> <kbd>k</kbd> walk, <kbd>a</kbd> approve, <kbd>r</kbd> reject, <kbd>x</kbd> choose
        </span>
      </p>
      <ul className="queue" aria-label="Payouts in review">
        {rows.map((payout, index) => (
          <li
            key={payout.id}
            id={`row-${payout.id}`}
            className={index === at ? 'current' : undefined}
            aria-current={index === at}
          >
            <input
              type="checkbox"
              aria-label={`Choose ${payout.reference}`}
              checked={chosen.has(payout.id)}
              disabled={whyNotApprove(payout) !== undefined}
              onChange={() => choose(payout)}
            />
            <Facing payout={payout} />
            <div className="buttons">
              {(['approve', 'reject'] as const).map((name) => {
                const why = name === 'approve' ? whyNotApprove(payout) : whyNot(name, payout);
                return (
                  <button
                    key={name}
                    type="button"
                    className={name === 'reject' ? 'grave' : 'main'}
                    disabled={why !== undefined}
                    title={why}
                    onClick={() => {
                      setCurrent(payout.id);
                      decide({ name, payout });
                    }}
                  >
                    {name === 'approve' ? 'Approve' : 'Reject'}
                  </button>
                );
              })}
            </div>
            {whyNotApprove(payout) && <small className="faint">{whyNotApprove(payout)}</small>}
          </li>
        ))}
      </ul>
      {queue.hasNextPage && (
        <button type="button" onClick={() => void queue.fetchNextPage()}>
          More
        </button>
      )}
      {deciding && <Decision {...deciding} onClose={close} />}
      {isBulk && (
        <BulkApproval
          payouts={selected}
          onClose={() => {
            setBulk(false);
            setChosen(new Set());
          }}
        />
      )}
    </>
  );
}

/** What an approver must see of one. */
function Facing({ payout }: { readonly payout: Queued }) {
  const { destination, reasons, ageSeconds, risk } = payout;
  return (
    <div>
      <p>
        <strong>
          <Money {...payout} />
        </strong>{' '}
        to <Payee {...destination} /> <Link to={`/payouts/${payout.id}`}>{payout.reference}</Link>
      </p>
      <ul className="reasons">
        {reasons.map(({ code, detail }) => (
          <li key={code}>{detail}</li>
        ))}
        {destination.changedSince && <li className="failed">The payee has another account by now.</li>}
      </ul>
      <p className="faint">
        waits <Span seconds={ageSeconds} /> · {payout.livemode ? 'live' : 'test'} · {payout.kind} · merchant {payout.merchantId}
        {risk && ' · judged by the risk policy'}
      </p>
    </div>
  );
}
