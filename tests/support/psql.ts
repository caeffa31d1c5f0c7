/** Runs an example as `psql -a -q -f` would and gives what psql would print, for machines without psql. Knows `\ir` and aligned
 * tables. Unlike psql it does not show the lines of an included file. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';

/** @returns the file's own lines with the table of each query after it, without trailing blanks. */
export async function runExample(url: string, file: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const out: string[] = [];
    let statement = '';
    for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
      if (line === '') continue;
      out.push(line);
      if (line.startsWith('\\ir ')) {
        await client.query(readFileSync(join(dirname(file), line.slice(4).trim()), 'utf8'));
        continue;
      }
      if (line.startsWith('--')) continue;
      statement += `${line}\n`;
      if (!line.endsWith(';')) continue;
      out.push(
        ...table(
          await client.query({ text: statement, rowMode: 'array', types: { getTypeParser: () => (text: string) => text } }),
        ),
        '',
      );
      statement = '';
    }
    return `${out
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()}\n`;
  } finally {
    await client.end();
  }
}

const NUMBERS = [20, 21, 23, 1700]; // int8, int2, int4, numeric: psql puts them to the right

function table({ fields, rows }: pg.QueryArrayResult<(string | null)[]>): string[] {
  const cells = rows.map((row) => row.map((cell) => cell ?? ''));
  const widths = fields.map(({ name }, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const header = fields.map(({ name }, column) => {
    const space = (widths[column] ?? 0) - name.length;
    return name.padStart(name.length + Math.floor(space / 2)).padEnd(widths[column] ?? 0);
  });
  const line = (row: string[]) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return NUMBERS.includes(fields[column]?.dataTypeID ?? 0) ? cell.padStart(width) : cell.padEnd(width);
    });
  const joined = [header, ...cells.map(line)].map((row) => ` ${row.join(' | ')}`);
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  return [joined[0] ?? '', rule, ...joined.slice(1), `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`];
}
