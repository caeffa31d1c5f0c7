/** A PSP's statement: what it has done with our money, whatever we remember. The lines of an export, cut to four columns. */
import { parseMajor } from '../rules/money.ts';

export interface StatementLine {
  /** Ours, as the PSP was given it. */
  readonly reference: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly status: StatementStatus;
}

const COLUMNS = 'reference,amount,currency,status';
const STATUSES = ['queued', 'held', 'processing', 'paid', 'failed', 'returned'] as const;
export type StatementStatus = (typeof STATUSES)[number];

/** @throws one sentence that names the line. A line that was misread could hide a payment, so none is passed over. */
export function parseStatement(text: string): StatementLine[] {
  const [header, ...lines] = text.replace(/\r/g, '').trimEnd().split('\n');
  if (header !== COLUMNS) throw new Error(`The statement's first line must be: ${COLUMNS}`);
  return lines.map((line, index) => {
    const [reference = '', amount = '', currency = '', word = '', ...more] = line.split(',');
    const fault = (what: string) => new Error(`Line ${index + 2} of the statement ${what}: ${line}`);
    const status = STATUSES.find((each) => each === word);
    const amountMinor = parseMajor(amount, currency);
    if (reference === '' || more.length > 0) throw fault('must have four columns');
    if (amountMinor === undefined) throw fault('has no amount that we can read');
    if (!status) throw fault(`must end in one of ${STATUSES.join(', ')}`);
    return { reference, amountMinor, currency, status };
  });
}
