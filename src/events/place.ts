/**
 * A place in the order of events: which history of the books (epoch), which transaction, which number. Outside it is opaque
 * text, without the dot that cursors of lists are cut at.
 */
export interface Place {
  readonly epoch: string;
  readonly xid: string;
  readonly position: string;
}

/** Before the first event: numbers of epochs, transactions and events begin later. */
export const BEGINNING = '0-0-0';

/** As PostgreSQL takes them: int, xid8, bigint. */
const EPOCH_MAX = 2n ** 31n - 1n;
const XID_MAX = 2n ** 64n - 1n;
const POSITION_MAX = 2n ** 63n - 1n;

/** What a query selects, of the row `of`, to be read by `placeOf`. */
export const placeIn = (of: string): string => `concat_ws('-', ${of}.epoch, ${of}.xid, ${of}.position)`;

/** The text may come from outside. Undefined: it is none of ours. */
export function placeOf(text: string): Place | undefined {
  const [, epoch, xid, position] = /^(\d{1,10})-(\d{1,20})-(\d{1,19})$/.exec(text) ?? [];
  if (epoch === undefined || xid === undefined || position === undefined) return undefined;
  const fits = BigInt(epoch) <= EPOCH_MAX && BigInt(xid) <= XID_MAX && BigInt(position) <= POSITION_MAX;
  return fits ? { epoch, xid, position } : undefined;
}

/** The text itself, where it is a place of ours: a key that a cursor may hold. */
export const placeText = (text: string): string | undefined => (placeOf(text) ? text : undefined);

/** Does the one stand behind the other? Both are ours. */
export function isBehind(text: string, other: string): boolean {
  const [place, than] = [placeOf(text), placeOf(other)];
  if (!place || !than) throw new Error(`no places in the order of events: ${text}, ${other}`);
  for (const part of ['epoch', 'xid', 'position'] as const) {
    const [mine, its] = [BigInt(place[part]), BigInt(than[part])];
    if (mine !== its) return mine > its;
  }
  return false;
}
