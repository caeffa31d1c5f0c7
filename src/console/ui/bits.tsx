/** The small things of every screen: times, amounts, states, ids, facts. */
import { type ReactNode, useState } from 'react';

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** In the reader's zone; in UTC for whoever points at it. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  if (!at) return <span className="faint">—</span>;
  return (
    <time dateTime={at} title={`${at.slice(0, 19).replace('T', ' ')} UTC`}>
      {LOCAL.format(new Date(at))}
    </time>
  );
}

const SPANS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** How long, in its largest unit. */
export function Span({ seconds }: { readonly seconds: number }) {
  const [unit, size] = SPANS.find(([, each]) => seconds >= each) ?? ['s', 1];
  return (
    <span>
      {Math.floor(seconds / size)} {unit}
    </span>
  );
}

/** With its own decimals, exact: what the API says is no float. */
export function inWords(amount: string, currency: string): string {
  const digits = amount.split('.')[1]?.length ?? 0;
  const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${currency} ${format.format(amount as Intl.StringNumericLiteral)}`;
}

export function Money({ amount, currency }: { readonly amount: string; readonly currency: string }) {
  return <span className="money">{inWords(amount, currency)}</span>;
}

type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'quiet';

/** Of every state that any screen shows. */
const TONES: Readonly<Record<string, Tone>> = {
  ...Object.fromEntries(
    [
      'SUCCESS',
      'SUCCEEDED',
      'SETTLED',
      'ok',
      'delivered',
      'sent',
      'applied',
      'active',
      'success',
      'completed',
      'confirmed',
      'admin_approved',
      'matched',
    ].map((each) => [each, 'good']),
  ),
  ...Object.fromEntries(
    [
      'FAILED',
      'REJECTED',
      'UNRESOLVED',
      'RETURNED',
      'failed',
      'failing',
      'down',
      'stuck',
      'orphan',
      'doubted',
      'rejected',
      'disputed',
      'differs',
      'reversed',
    ].map((each) => [each, 'bad']),
  ),
  ...Object.fromEntries(
    [
      'IN_REVIEW',
      'ON_HOLD',
      'REVIEW_ON_HOLD',
      'PSP_HELD',
      'UNKNOWN',
      'paused',
      'pending',
      'degraded',
      'proof_submitted',
      'late_proof',
    ].map((each) => [each, 'wait']),
  ),
  ...Object.fromEntries(
    [
      'PROCESSING',
      'SUBMITTING',
      'RETRY',
      'RETRY_WAIT',
      'PENDING',
      'QUEUED',
      'PSP_QUEUED',
      'SETTLING',
      'assigned',
      'sys_confirmed',
      'partially_paid',
    ].map((each) => [each, 'busy']),
  ),
};

export function State({ is }: { readonly is: string }) {
  return <span className={`chip ${TONES[is] ?? 'quiet'}`}>{is.toLowerCase().replaceAll('_', ' ')}</span>;
}

/** Its kind, and as many of its last characters as tell it from its neighbours. */
const shortOf = (id: string): string => id.replace(/^([a-z]+_).+(.{8})$/, '$1…$2');

/** An id, shown short, to be copied whole. */
export function Id({ of, isWhole = false }: { readonly of: string; readonly isWhole?: boolean }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard?.writeText(of).then(() => setCopied(true));
  };
  return (
    <span className="id">
      <code title={of}>{isWhole ? of : shortOf(of)}</code>
      <button type="button" className="quiet" onClick={copy} aria-label={`Copy ${of}`}>
        {isCopied ? 'copied' : 'copy'}
      </button>
    </span>
  );
}

/** Names and values; one without a value is not there. */
export function Facts({ of }: { readonly of: Readonly<Record<string, ReactNode>> }) {
  const there = Object.entries(of).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return (
    <dl className="facts">
      {there.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Whatever else is known, for whoever must see it. */
export function Raw({ of }: { readonly of: unknown }) {
  const text = JSON.stringify(of, null, 2);
  if (text === undefined || text === '{}' || text === 'null') return null;
  return (
    <details>
      <summary>data</summary>
      <pre>{text}</pre>
    </details>
  );
}
