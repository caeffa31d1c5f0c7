/** Hosted pages: a merchant's user, sent here for one withdrawal or one payin, and back again. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Failure } from '../api.ts';
import { PayinScreen } from './Payin.tsx';
import '../style.css';
import './style.css';
import { WithdrawalScreen } from './Withdrawal.tsx';

/** Twice more where nobody answered, or was away: PostgreSQL and Temporal restart within seconds. */
const retry = (count: number, error: unknown): boolean =>
  count < 2 && error instanceof Failure && (error.status === 0 || error.status === 503);
const queries = new QueryClient({ defaultOptions: { queries: { retry, retryDelay: 1_500 } } });

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        {location.pathname.endsWith('/payin') ? <PayinScreen /> : <WithdrawalScreen />}
      </QueryClientProvider>
    </StrictMode>,
  );
}
