/** Every screen: its path below /console, whose it is, and what it is called in the menu. Whoever adds one adds a line. */
import type { ComponentType } from 'react';
import type { Action } from '../rules/roles.ts';
import { Account } from './screens/Account.tsx';
import { AdminGame } from './screens/AdminGame.tsx';
import { AdminPayout } from './screens/AdminPayout.tsx';
import { AdminPayouts } from './screens/AdminPayouts.tsx';
import { AdminSearch } from './screens/AdminSearch.tsx';
import { Admins } from './screens/Admins.tsx';
import { Audit } from './screens/Audit.tsx';
import { Books } from './screens/Books.tsx';
import { Deposit, Deposits } from './screens/Deposits.tsx';
import { Disputes } from './screens/Disputes.tsx';
import { Endpoint } from './screens/Endpoint.tsx';
import { Endpoints } from './screens/Endpoints.tsx';
import { Games } from './screens/Games.tsx';
import { Home } from './screens/Home.tsx';
import { Inbox } from './screens/Inbox.tsx';
import { Keys } from './screens/Keys.tsx';
import { Market } from './screens/Market.tsx';
import { Markets } from './screens/Markets.tsx';
import { Merchant } from './screens/Merchant.tsx';
import { MerchantSearch } from './screens/MerchantSearch.tsx';
import { Merchants } from './screens/Merchants.tsx';
import { NewPayout } from './screens/NewPayout.tsx';
import { Notifications } from './screens/Notifications.tsx';
import { Overview } from './screens/Overview.tsx';
import { OwnWithdrawal } from './screens/OwnWithdrawal.tsx';
import { OwnWithdrawals } from './screens/OwnWithdrawals.tsx';
import { Pauses } from './screens/Pauses.tsx';
import { Payout } from './screens/Payout.tsx';
import { Payouts } from './screens/Payouts.tsx';
import { Proofs } from './screens/Proofs.tsx';
import { Psps } from './screens/Psps.tsx';
import { Review } from './screens/Review.tsx';
import { Risk } from './screens/Risk.tsx';
import { Runs } from './screens/Runs.tsx';
import { Withdrawal } from './screens/Withdrawal.tsx';
import { Withdrawals } from './screens/Withdrawals.tsx';

// biome-ignore lint/suspicious/noExplicitAny: each takes what its own path names
type Show = ComponentType<any>;

export interface Screen {
  readonly path: string;
  readonly of: 'admin' | 'merchant';
  readonly show: Show;
  readonly title: (params: Readonly<Record<string, string>>) => string;
  /** In the menu; without it the screen is reached from others. */
  readonly nav?: string;
  readonly needs?: Action;
}

const listed = (of: Screen['of'], path: string, nav: string, show: Show, needs?: Action): Screen => ({
  of,
  path,
  nav,
  show,
  title: () => nav,
  ...(needs && { needs }),
});
const one = (of: Screen['of'], path: string, name: string, show: Show, needs?: Action): Screen => ({
  of,
  path,
  show,
  title: ({ id }) => (id === undefined ? name : `${name} ${id}`),
  ...(needs && { needs }),
});

export const SCREENS: readonly Screen[] = [
  listed('admin', '/overview', 'Overview', Overview),
  listed('admin', '/', 'Payouts', AdminPayouts),
  one('admin', '/payouts/:id', 'Payout', AdminPayout),
  listed('admin', '/review', 'Review', Review),
  listed('admin', '/runs', 'Runs', Runs),
  listed('admin', '/psps', 'PSPs', Psps),
  listed('admin', '/pauses', 'Pauses', Pauses),
  listed('admin', '/inbox', 'Inbox', Inbox),
  listed('admin', '/risk', 'Risk policy', Risk),
  listed('admin', '/withdrawals', 'Withdrawals', Withdrawals),
  one('admin', '/withdrawals/:id', 'Withdrawal', Withdrawal),
  listed('admin', '/proofs', 'Proofs', Proofs),
  listed('admin', '/games', 'Games', Games),
  one('admin', '/games/:id', 'Game', AdminGame),
  listed('admin', '/markets', 'Markets', Markets),
  one('admin', '/markets/:id', 'Market', Market),
  listed('admin', '/disputes', 'Disputes', Disputes),
  listed('admin', '/notifications', 'Notifications', Notifications),
  listed('admin', '/books', 'Books', Books),
  listed('admin', '/merchants', 'Merchants', Merchants, 'merchants'),
  one('admin', '/merchants/:id', 'Merchant', Merchant, 'merchants'),
  listed('admin', '/admins', 'Admins', Admins, 'admins'),
  listed('admin', '/audit', 'Audit', Audit, 'audit'),
  one('admin', '/search', 'Search', AdminSearch),
  one('admin', '/account', 'Signed in', Account),
  listed('merchant', '/', 'Overview', Home),
  listed('merchant', '/payouts', 'Payouts', Payouts),
  listed('merchant', '/new', 'New payout', NewPayout),
  one('merchant', '/payouts/:id', 'Payout', Payout),
  listed('merchant', '/withdrawals', 'Withdrawals', OwnWithdrawals),
  one('merchant', '/withdrawals/:id', 'Withdrawal', OwnWithdrawal),
  listed('merchant', '/deposits', 'Deposits', Deposits),
  one('merchant', '/deposits/:id', 'Deposit', Deposit),
  listed('merchant', '/endpoints', 'Endpoints', Endpoints),
  one('merchant', '/endpoints/:id', 'Endpoint', Endpoint),
  listed('merchant', '/keys', 'Keys', Keys),
  one('merchant', '/search', 'Search', MerchantSearch),
  one('merchant', '/account', 'Signed in', Account),
];
