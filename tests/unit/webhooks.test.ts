import { describe, expect, test } from '@jest/globals';
import { EVENT_TYPES } from '../../src/events/rules/eventTypes.ts';
import { FACT_IGNORED } from '../../src/payouts/rules/machine.ts';
import { eventPatternFault, isEventType, isMeant, wantsEvent } from '../../src/webhooks/rules/eventPatterns.ts';

describe('an endpoint gets the events it has asked for, and no others', () => {
  test('by name, by family, or all', () => {
    expect(wantsEvent(['payout.succeeded'], 'payout.succeeded')).toBe(true);
    expect(wantsEvent(['payout.succeeded'], 'payout.failed')).toBe(false);
    expect(wantsEvent(['payout.failed', 'payout.succeeded'], 'payout.succeeded')).toBe(true);
    for (const type of EVENT_TYPES) {
      expect(wantsEvent(['*'], type)).toBe(!type.startsWith('distribution.'));
      expect(wantsEvent(['payout.*'], type)).toBe(type.startsWith('payout.'));
      expect(wantsEvent(['market.*'], type)).toBe(type.startsWith('market.'));
      expect(wantsEvent(['other.*'], type)).toBe(false);
      expect(wantsEvent([], type)).toBe(false);
    }
  });

  test('of distributions, a million of one market, by their very name alone; a live stream has them', () => {
    expect(wantsEvent(['distribution.completed'], 'distribution.completed')).toBe(true);
    expect(wantsEvent(['*', 'distribution.rolled_back'], 'distribution.completed')).toBe(false);
    expect(eventPatternFault('distribution.*')).toBe('unknown_event_type');
    for (const pattern of ['*', 'distribution.*', 'distribution.completed'])
      expect(isMeant([pattern], 'distribution.completed')).toBe(true);
  });

  test('never what is for the timeline only', () => {
    for (const pattern of ['*', 'payout.*', FACT_IGNORED]) expect(wantsEvent([pattern], FACT_IGNORED)).toBe(false);
    expect(isEventType(FACT_IGNORED)).toBe(false);
  });
});

test('a pattern that would never match is refused, rather than leaving its owner waiting for events', () => {
  for (const good of ['*', 'payout.*', 'user.*', ...EVENT_TYPES])
    expect([good, eventPatternFault(good)]).toEqual([good, undefined]);
  for (const bad of [
    '',
    'payout',
    'payout.',
    'payout.unknown',
    'PAYOUT.*',
    'pay*',
    'payout.s*',
    '*.*',
    '.*',
    '**',
    'payout.* ',
    FACT_IGNORED,
    'payout.%',
  ]) {
    expect([bad, eventPatternFault(bad)]).toEqual([bad, 'unknown_event_type']);
  }
  for (const bad of [undefined, null, 5, ['payout.*']]) expect(eventPatternFault(bad)).toBe('invalid_type');
});
