/** Why something stands as it does, in words: what it waits for, what comes by itself, where its money is, what went wrong. */
import type { Schemas } from '../api.ts';
import { Facts, inWords, Time } from '../ui/bits.tsx';

type Explanation = Schemas['Explanation'];
type WaitsFor = Explanation['waitsFor'];

function Waits({ waits }: { readonly waits: WaitsFor }) {
  switch (waits.kind) {
    case 'person':
      return (
        <>
          {`for a person: ${waits.who}`} {waits.until && <>until {<Time at={waits.until} />}</>}
        </>
      );
    case 'psp':
      return (
        <>
          {`for the PSP ${waits.psp}`} {waits.nextLookUpAt && <>, asked next {<Time at={waits.nextLookUpAt} />}</>}
          {waits.until && <>, at most until {<Time at={waits.until} />}</>}
        </>
      );
    case 'run':
      return <>for the next run {waits.at ? <Time at={waits.at} /> : '(paused, or not known)'}</>;
    case 'timer':
      return <>until {<Time at={waits.until} />}</>;
    case 'nobody':
      return <>for nobody</>;
  }
}

/** Its first sentence; the rest of it stands below as data, in the reader's own time zone. */
const leadOf = (text: string): string => text.split(', since ', 1)[0] ?? text;

interface WhyProps {
  readonly of: Explanation;
  /** What it is, where several are told of. */
  readonly what?: string;
}

export function Why({ of, what = 'it' }: WhyProps) {
  const { text, since, waitsFor, next, actions, money, failures } = of;
  const not = actions.filter(({ allowed }) => !allowed);
  return (
    <section className="why" aria-label={`Why ${what} stands as it does`}>
      <p className="is">{leadOf(text)}.</p>
      <Facts
        of={{
          Since: <Time at={since} />,
          Waits: <Waits waits={waitsFor} />,
          'Next, by itself': next ? (
            <>
              {next.what} {next.at && <Time at={next.at} />}
            </>
          ) : (
            'nothing'
          ),
          'Its money': money.map(({ account, amount, currency }) => (
            <div key={account}>{`${inWords(amount, currency)} in ${account}`}</div>
          )),
          'May be done now': actions.flatMap(({ action, by, allowed }) =>
            allowed ? [<div key={action}>{`${action} (${by})`}</div>] : [],
          ),
        }}
      />
      {failures.length > 0 && (
        <ul className="reasons">
          {failures.map(({ at, code, message, means }) => (
            <li key={at + code}>
              <Time at={at} />: {message} — {means}
            </li>
          ))}
        </ul>
      )}
      {not.length > 0 && (
        <details>
          <summary>Why not the rest</summary>
          <ul className="reasons">
            {not.map(({ action, why }) => (
              <li key={action}>
                {action}: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
