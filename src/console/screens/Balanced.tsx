/** Entries, and beneath them what each account gained or lost by them: together nothing, or the books would be wrong. */
import type { Schemas } from '../api.ts';
import { byAccount } from '../sums.ts';
import { inWords, Money, Time } from '../ui/bits.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, Table } from '../ui/Table.tsx';

type Entry = Schemas['PayoutDetail']['ledgerEntries'][number];

const COLUMNS: readonly Column<Entry>[] = [
  { head: 'Entry', cell: ({ type }) => type.toLowerCase().replaceAll('_', ' ') },
  { head: 'Amount', cell: (row) => <Money {...row} />, isNumber: true },
  { head: 'From', cell: ({ debit }) => <code>{debit}</code> },
  { head: 'To', cell: ({ credit }) => <code>{credit}</code> },
  { head: 'Available then', cell: ({ availableAfter }) => availableAfter ?? '—', isNumber: true },
  { head: 'Reserved then', cell: ({ lockedAfter }) => lockedAfter ?? '—', isNumber: true },
  { head: 'When', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function Balanced({ entries }: { readonly entries: readonly Entry[] }) {
  const [first] = entries;
  if (!first) return <Empty>No money has moved.</Empty>;
  const { currency } = first;
  const { accounts, sum } = byAccount(entries);
  return (
    <>
      <Table name="Entries" rows={entries} columns={COLUMNS} keyOf={({ key }) => key} />
      <Table
        name="By account"
        rows={accounts}
        keyOf={({ account }) => account}
        columns={[
          { head: 'Account', cell: ({ account }) => <code>{account}</code> },
          { head: 'Change', cell: ({ change }) => inWords(change, currency), isNumber: true },
        ]}
      />
      <p className={/[1-9]/.test(sum) ? 'failed' : 'balanced'}>Together: {inWords(sum, currency)}</p>
    </>
  );
}
