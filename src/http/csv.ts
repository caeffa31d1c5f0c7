/** A list as a table for spreadsheets (RFC 4180), written page by page as it is read: however long, a page of it is in memory. */
import { Readable } from 'node:stream';
import { z } from 'zod';

export type Columns<Row> = Readonly<Record<string, (row: Row) => string | null>>;

/**
 * What a spreadsheet would take for a formula is shown to it as text: names and references are whatever a client sent. Where lists
 * are written with semicolons it cuts a line there, and some take a sign of full width for the plain one.
 */
const FORMULA = /(^|;)(?=\s*[=+\-@＝＋－＠]|[\t\r\n])/g;

function cell(value: string | null): string {
  const text = (value ?? '').replace(FORMULA, "$1'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (cells: readonly (string | null)[]): string => `${cells.map(cell).join(',')}\r\n`;

/** Breaks off where a page cannot be read: half a table must not look whole. */
export function csvOf<Row>(columns: Columns<Row>, pages: AsyncIterable<readonly Row[]>): Readable {
  const values = Object.values(columns);
  async function* lines(): AsyncGenerator<string> {
    yield line(Object.keys(columns));
    for await (const rows of pages) yield rows.map((row) => line(values.map((value) => value(row)))).join('');
  }
  return Readable.from(lines(), { objectMode: false });
}

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** For the document. */
export const csvAnswer = {
  description: 'The whole list as a table, the newest first',
  content: { 'text/csv': { schema: z.string() } },
} as unknown as z.ZodType;
