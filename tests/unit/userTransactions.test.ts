/** How a user's transactions and events are told: the same entry in the words of either API, and nothing that stays inside. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { presentEvent } from '../../src/events/presentEvent.ts';
import { EVENT_TYPES } from '../../src/events/rules/eventTypes.ts';
import { ENTRY_KINDS } from '../../src/rules/entryKinds.ts';
import { presentLegacyTransaction, presentTransaction } from '../../src/users/present/transaction.ts';
import {
  entryTypesOf,
  kindOf,
  TRANSACTION_KINDS,
  TRANSACTION_TYPES,
  USERS_BALANCE,
  type UserTransaction,
} from '../../src/users/rules/transactions.ts';
import { type MovedRecord, USER_EVENTS } from '../../src/users/rules/user.ts';

const transaction: UserTransaction = {
  entryId: '42',
  type: 'USER_CREDIT',
  amountMinor: '1050',
  currency: 'PKR',
  balanceAfterMinor: '2050',
  opKey: 'user_money:mer_1:test:order:7',
  subjectKind: 'user',
  subjectId: 'usr_1',
  side: null,
  at: '2026-11-29T22:00:00.000Z',
};

const user: MovedRecord = {
  id: 'usr_1',
  merchantId: 'mer_1',
  mode: 'test',
  externalId: 'player-1',
  frozen: false,
  sequence: 3,
  createdAt: '2026-11-29T21:00:00.000Z',
  transaction,
  balance: { currency: 'PKR', availableMinor: '1500', reservedMinor: '0', debtMinor: '0', version: 9 },
};

describe('a transaction', () => {
  test('has what was available right after, and the merchant’s own name for it, whatever signs that holds', () => {
    expect(presentTransaction(transaction, 'usr_1')).toMatchObject({
      id: 'le_0000000000000000042',
      type: 'credit',
      amount: '10.50',
      balanceAfter: '20.50',
      metadata: { externalId: 'order:7' },
    });
  });

  test('has seven fields and no more in the shape of before, which older clients store as it comes', () => {
    expect(presentLegacyTransaction(transaction, 'usr_1')).toEqual({
      id: 'le_0000000000000000042',
      userId: 'usr_1',
      type: 'credit',
      amount: '10.50',
      description: 'Credited by the platform',
      relatedId: null,
      timestamp: transaction.at,
    });
  });

  test('of a type that no list has is our mistake, and is not shown as something else', () => {
    expect(() => kindOf({ ...transaction, type: 'SETTLE' })).toThrow('SETTLE');
  });

  test('is found in an index that knows the same types and sides: with another it would be looked for among all entries', () => {
    const baseline = readFileSync('prisma/migrations/20261129000000_baseline/migration.sql', 'utf8');
    const pile = USERS_BALANCE.replace('CASE e.type', 'CASE type').replaceAll('THEN e.', 'THEN ');
    expect(baseline).toContain(`((${pile}), type, id)`);
    expect(baseline).toContain(`(${pile}) IS NOT NULL`);
  });

  test('is found by its type: every type of the API is that of an entry that there is', () => {
    for (const entry of Object.keys(TRANSACTION_KINDS)) expect(ENTRY_KINDS.map(([type]) => type)).toContain(entry);
    expect(TRANSACTION_TYPES.flatMap((type) => entryTypesOf([type])).sort()).toEqual(Object.keys(TRANSACTION_KINDS).sort());
    expect(entryTypesOf(undefined)).toEqual(Object.keys(TRANSACTION_KINDS));
    expect(entryTypesOf([])).toEqual([]);
  });
});

describe('an event of a user', () => {
  const event = (type: string, object: unknown = user) =>
    ({ id: 'evt_1_0003', subjectKind: 'user', type, at: new Date(0), mode: 'test', sequence: 3, object }) as const;

  test('tells the balance of its own commit, which may be less than after its entry, and that balance’s version', () => {
    const shown = presentEvent(event('user.credited'), 'user').data.object;
    expect(shown).toEqual({ ...presentTransaction(transaction, 'usr_1'), newBalance: '15.00', balanceVersion: 9 });
    expect(presentEvent(event('user.credited'), 'merchant').data.object).toEqual(shown);
  });

  test('that moved nothing tells the user, without the merchant behind it', () => {
    const { transaction: _, balance: __, ...record } = user;
    expect(presentEvent(event('user.frozen', { ...record, frozen: true }), 'user').data.object).toEqual({
      id: 'usr_1',
      object: 'user',
      externalId: 'player-1',
      frozen: true,
      livemode: false,
      createdAt: record.createdAt,
    });
  });

  test('can be told and asked for, each of them; a provider hears of none', () => {
    for (const type of USER_EVENTS) {
      expect(EVENT_TYPES).toContain(type);
      expect(presentEvent(event(type), 'merchant').type).toBe(type);
      expect(() => presentEvent(event(type), 'provider')).toThrow('nobody knows how to tell a provider of the user');
    }
    expect(() => presentEvent(event('user.renamed'), 'merchant')).toThrow('user.renamed');
    expect(() => presentEvent({ ...event('user.credited'), subjectKind: 'toString' }, 'merchant')).toThrow('nobody knows');
  });
});
