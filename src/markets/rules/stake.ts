/** Where a stake goes: an option by its id or, in a binary market, by the position that is its id. */
import { POSITIONS, type Position } from './market.ts';

export interface Chosen {
  readonly optionId: string;
  readonly position: Position | null;
}

/** `pointer`: the field that is at fault. */
export type Choice = { readonly ok: true; readonly chosen: Chosen } | ({ readonly ok: false } & ChoiceFault);

export interface ChoiceFault {
  readonly pointer: '/position' | '/optionId';
  readonly code: 'missing' | 'one_of_two' | 'unknown_position' | 'unknown_option' | 'not_binary';
  readonly detail: string;
}

interface Said {
  readonly optionId?: unknown;
  readonly position?: unknown;
}

interface Market {
  readonly type: string;
  readonly options: readonly { readonly id: string }[];
}

/** What is said of two fields that are two names of one thing. */
export function readChoice({ optionId, position }: Said, market: Market): Choice {
  if (position !== undefined && optionId !== undefined)
    return fault('/optionId', 'one_of_two', 'Name a position or an option, not both.');
  if (position !== undefined) return readPosition(position, market);
  if (optionId === undefined)
    return fault('/optionId', 'missing', market.type === 'binary' ? 'Name a position or an option.' : 'Name an option.');
  const found = market.options.find(({ id }) => id === optionId);
  if (!found) return fault('/optionId', 'unknown_option', `Must be ${namesOf(market.options.map(({ id }) => id))}.`);
  return { ok: true, chosen: { optionId: found.id, position: null } };
}

function readPosition(said: unknown, market: Market): Choice {
  if (market.type !== 'binary') return fault('/position', 'not_binary', 'This market has options: name one by optionId.');
  const position = POSITIONS.find((each) => each === said);
  if (!position) return fault('/position', 'unknown_position', `Must be ${namesOf(POSITIONS)}.`);
  return { ok: true, chosen: { optionId: position, position } };
}

const fault = (pointer: ChoiceFault['pointer'], code: ChoiceFault['code'], detail: string): Choice => ({
  ok: false,
  pointer,
  code,
  detail,
});

/** As many as a reader takes in. */
const NAMED_MOST = 10;

const namesOf = (ids: readonly string[]): string => (ids.length > NAMED_MOST ? 'one of the market’s options' : ids.join(' or '));
