/** The log of a child process, under ONCEPAY_HOME/logs. */
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

/** A log that has grown beyond this is set aside at the next start, over the one set aside before. */
const SET_ASIDE_BYTES = 50_000_000;

/** @returns a descriptor to append to. */
export function openLog(file: string): number {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > SET_ASIDE_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}

const LAST_BYTES = 300;

/** The end of a log, on one line: what a process that ended by itself usually says last. */
export function lastWords(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(LAST_BYTES);
    const length = readSync(handle, buffer, 0, LAST_BYTES, Math.max(0, fstatSync(handle).size - LAST_BYTES));
    return buffer.toString('utf8', 0, length).trim().replace(/\s+/g, ' ');
  } finally {
    closeSync(handle);
  }
}
