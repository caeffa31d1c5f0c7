/** The door: every route. What stands before them is openApp.ts; server.ts listens. */
import type { FastifyInstance } from 'fastify';
import { hearWakes } from '../db/wake.ts';
import { createFollower, type Follower } from '../events/follower.ts';
import { eventRoutes } from '../events/routes/events.ts';
import { pageStreamRoutes } from '../events/routes/pageStream.ts';
import { snapshotOf } from '../events/routes/snapshot.ts';
import { streamRoutes } from '../events/routes/streams.ts';
import { streamTokenRoutes } from '../events/routes/streamTokens.ts';
import { createStreams, type Streams } from '../events/streams.ts';
import { createWaiters, type Waiters } from '../events/waiters.ts';
import { adminExplainRoutes, merchantExplainRoutes, providerExplainRoutes } from '../explain/routes/explain.ts';
import { adminGameRoutes } from '../games/routes/admin/games.ts';
import { bankRoutes } from '../games/routes/bank.ts';
import { betRoutes } from '../games/routes/bets.ts';
import { completionRoutes } from '../games/routes/completion.ts';
import { gameRoutes } from '../games/routes/games.ts';
import { adminBankCreditRoutes } from '../instant/routes/admin/bankCredits.ts';
import { adminInstantPayoutRoutes } from '../instant/routes/admin/instantPayouts.ts';
import { bankCreditRoutes } from '../instant/routes/bankCredits.ts';
import { batchRoutes } from '../instant/routes/batches.ts';
import { instantPayoutRoutes } from '../instant/routes/instantPayouts.ts';
import { pageRoutes } from '../instant/routes/pages.ts';
import { pageTokenRoutes } from '../instant/routes/pageTokens.ts';
import { payinRoutes } from '../instant/routes/payins.ts';
import { adminProofRoutes, proofRoutes } from '../instant/routes/proofs.ts';
import { countBookSteps } from '../ledger/calls.ts';
import { invariantRoutes } from '../ledger/routes/invariants.ts';
import { adminDistributionRoutes } from '../markets/routes/admin/distributions.ts';
import { adminMarketRoutes } from '../markets/routes/admin/markets.ts';
import { adminResolutionRoutes } from '../markets/routes/admin/resolutions.ts';
import { commitmentRoutes } from '../markets/routes/commitments.ts';
import { distributionRoutes } from '../markets/routes/distributions.ts';
import { importLineRoutes, importRoutes } from '../markets/routes/imports.ts';
import { marketRoutes } from '../markets/routes/markets.ts';
import { resolutionRoutes } from '../markets/routes/resolutions.ts';
import { debtRoutes } from '../merchants/routes/admin/debts.ts';
import { fundRoutes } from '../merchants/routes/admin/fund.ts';
import { keyRoutes } from '../merchants/routes/admin/keys.ts';
import { merchantAdminRoutes } from '../merchants/routes/admin/merchants.ts';
import { balanceRoutes } from '../merchants/routes/balance.ts';
import { directoryRoutes } from '../merchants/routes/directory.ts';
import { ownKeyRoutes } from '../merchants/routes/keys.ts';
import { notificationRoutes } from '../notify/routes/notifications.ts';
import { adminPushRoutes, providerPushRoutes } from '../notify/routes/pushSubscriptions.ts';
import { adminDashboardRoutes } from '../overview/routes/dashboards.ts';
import { adminOverviewRoutes, merchantOverviewRoutes } from '../overview/routes/overview.ts';
import { pauseRoutes } from '../pauses/routes/pauses.ts';
import { refusedAmong } from '../payouts/reads.ts';
import { controlRoutes } from '../payouts/routes/admin/controls.ts';
import { payoutRequestRoutes } from '../payouts/routes/admin/payoutRequests.ts';
import { adminPayoutRoutes } from '../payouts/routes/admin/payouts.ts';
import { retryRoutes } from '../payouts/routes/admin/retry.ts';
import { reviewRoutes } from '../payouts/routes/admin/review.ts';
import { payoutQueryRoutes } from '../payouts/routes/payoutQueries.ts';
import { payoutRoutes } from '../payouts/routes/payouts.ts';
import { payoutRunRoutes } from '../providers/routes/admin/payoutRuns.ts';
import { adminProviderKeyRoutes } from '../providers/routes/admin/providerKeys.ts';
import { earningRoutes } from '../providers/routes/earnings.ts';
import { providerAccountRoutes } from '../providers/routes/merchant/providerAccounts.ts';
import { providerEarningRoutes } from '../providers/routes/merchant/providerEarnings.ts';
import { providerKeyRoutes } from '../providers/routes/merchant/providerKeys.ts';
import { merchantProviderPayoutRoutes } from '../providers/routes/merchant/providerPayouts.ts';
import { providerRoutes } from '../providers/routes/merchant/providers.ts';
import { providerPayoutQueryRoutes } from '../providers/routes/providerPayoutQueries.ts';
import { providerPayoutCreation, providerPayoutRoutes } from '../providers/routes/providerPayouts.ts';
import { callbackRoutes } from '../psp/routes/callbacks.ts';
import { ipnRoutes } from '../psp/routes/ipn.ts';
import { pspRoutes } from '../psp/routes/psps.ts';
import { riskPolicyRoutes } from '../risk/routes/riskPolicy.ts';
import { codecRoutes } from '../temporal/routes/codec.ts';
import { userHistoryRoutes } from '../users/routes/userHistory.ts';
import { userMoneyRoutes } from '../users/routes/userMoney.ts';
import { userRoutes } from '../users/routes/users.ts';
import { adminDeliveryRoutes } from '../webhooks/routes/admin/deliveries.ts';
import { endpointRecoveryRoutes } from '../webhooks/routes/endpointRecovery.ts';
import { webhookSecretRoutes } from '../webhooks/routes/secrets.ts';
import { webhookEndpointRoutes } from '../webhooks/routes/webhookEndpoints.ts';
import type { ApiContext } from './context.ts';
import { type AppOptions, openApp } from './openApp.ts';
import { keysThatOpen } from './plugins/auth.ts';
import { requireIdempotencyKey } from './plugins/idempotency.ts';
import { addMetrics } from './plugins/metrics.ts';
import { addUpgrades } from './plugins/upgrades.ts';
import { adminsRoutes } from './routes/admins.ts';
import { auditRoutes } from './routes/audit.ts';
import { consolePages } from './routes/console.ts';
import { hostedPages } from './routes/hostedPages.ts';
import { operationRoutes } from './routes/operations.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { MOST_STREAMS } from './streaming.ts';
import { MOST_WAITERS } from './waiting.ts';

/** The door of an installation. */
export async function buildApp(context: ApiContext, options: AppOptions = {}): Promise<FastifyInstance> {
  return await openApp(context.config, (app) => addRoutes(app, context), options);
}

async function addRoutes(app: FastifyInstance, context: ApiContext): Promise<void> {
  const metrics = addMetrics(app, context.pool);
  const stopCounting = countBookSteps(metrics.registry);
  app.addHook('onClose', async () => stopCounting());
  await app.register(operationRoutes(context, metrics));
  await app.register(callbackRoutes(context), { prefix: '/api' });
  const live = addLive(app, context);
  await app.register(merchantRoutes(context, live), { prefix: '/api/v1' });
  await app.register(importLineRoutes(context), { prefix: '/api/v1' });
  await app.register(hostedPageRoutes(context, live), { prefix: '/api/pages' });
  await app.register(providerScope(context, live), { prefix: '/api/provider' });
  await app.register(providerPayoutCreation(context, '/payouts'), { prefix: '/api' });
  await app.register(adminRoutes(context), { prefix: '/api/admin' });
  await app.register(codecRoutes(context), { prefix: '/codec' });
  await app.register(sessionRoutes(context), { prefix: '/console' });
  await app.register(consolePages(), { prefix: '/console' });
  await app.register(hostedPages(context), { prefix: '/pages' });
}

/** Whoever listens for what comes. */
interface Live {
  readonly waiters: Waiters;
  readonly streams: Streams;
}

/** One follower of the events serves all that wait for a change and all live streams; none holds up the end of the process. */
function addLive(app: FastifyInstance, context: ApiContext): Live {
  const { pool, config } = context;
  addUpgrades(app, '/api/v1/ws');
  const follower: Follower = createFollower({
    pool,
    hearWakes: (onWake, stopped) => hearWakes(config.databaseUrl, onWake, stopped),
    onLookFailed: (error) => app.log.warn({ err: error }, 'the events cannot be followed: whoever listens is told late'),
  });
  const waiters = createWaiters({ follower, most: MOST_WAITERS, endedUnheard: (ids) => refusedAmong(pool, ids) });
  const streams = createStreams({
    pool,
    follower,
    most: MOST_STREAMS,
    keysThatOpen: (keyIds) => keysThatOpen(pool, keyIds),
    snapshotOf: (seer) => snapshotOf(context, seer),
    onFailed: (error, event) =>
      event === undefined
        ? app.log.warn({ err: error }, 'live streams met an error: a client that was cut off resumes')
        : app.log.error({ err: error, event }, 'an event cannot be told'),
  });
  app.addHook('preClose', async () => {
    waiters.close();
    await streams.close();
    await follower.close();
  });
  return { waiters, streams };
}

/** What merchants do with their keys. */
function merchantRoutes(context: ApiContext, { waiters, streams }: Live) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addHook('preParsing', requireIdempotencyKey); // after the key's owner is known, before the body is read
    await scope.register(payoutRoutes(context));
    await scope.register(payoutQueryRoutes(context, waiters));
    await scope.register(balanceRoutes(context));
    await scope.register(directoryRoutes(context));
    await scope.register(ownKeyRoutes(context));
    await scope.register(webhookEndpointRoutes(context));
    await scope.register(webhookSecretRoutes(context));
    await scope.register(endpointRecoveryRoutes(context));
    await scope.register(eventRoutes(context));
    await scope.register(streamTokenRoutes(context));
    await scope.register(streamRoutes(context, streams));
    await scope.register(providerRoutes(context));
    await scope.register(providerAccountRoutes(context));
    await scope.register(providerEarningRoutes(context));
    await scope.register(providerKeyRoutes(context));
    await scope.register(merchantProviderPayoutRoutes(context));
    await scope.register(userRoutes(context));
    await scope.register(userMoneyRoutes(context));
    await scope.register(userHistoryRoutes(context));
    await scope.register(bankRoutes(context));
    await scope.register(gameRoutes(context, waiters));
    await scope.register(betRoutes(context));
    await scope.register(completionRoutes(context));
    await scope.register(merchantExplainRoutes(context));
    await scope.register(merchantOverviewRoutes(context));
    await scope.register(marketRoutes(context));
    await scope.register(resolutionRoutes(context, waiters));
    await scope.register(commitmentRoutes(context));
    await scope.register(distributionRoutes(context));
    await scope.register(importRoutes(context));
    await scope.register(instantPayoutRoutes(context, waiters));
    await scope.register(payinRoutes(context, waiters));
    await scope.register(batchRoutes(context));
    await scope.register(proofRoutes(context));
    await scope.register(bankCreditRoutes(context));
    await scope.register(pageTokenRoutes(context));
  };
}

/** What merchants' users do on hosted pages, with the token of their page. */
function hostedPageRoutes(context: ApiContext, { streams }: Live) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addHook('preParsing', requireIdempotencyKey);
    await scope.register(pageRoutes(context));
    await scope.register(pageStreamRoutes(context, streams));
  };
}

/** What providers do with the keys that their platform gave them. */
function providerScope(context: ApiContext, { waiters }: Live) {
  return async (scope: FastifyInstance): Promise<void> => {
    await scope.register(providerPayoutRoutes(context));
    await scope.register(providerPayoutQueryRoutes(context, waiters));
    await scope.register(earningRoutes(context));
    await scope.register(providerPushRoutes(context));
    await scope.register(providerExplainRoutes(context));
  };
}

/** What the people of this installation do with theirs. */
function adminRoutes(context: ApiContext) {
  return async (scope: FastifyInstance): Promise<void> => {
    await scope.register(reviewRoutes(context));
    await scope.register(controlRoutes(context));
    await scope.register(riskPolicyRoutes(context));
    await scope.register(adminPayoutRoutes(context));
    await scope.register(payoutRequestRoutes(context));
    await scope.register(retryRoutes(context));
    await scope.register(payoutRunRoutes(context));
    await scope.register(pauseRoutes(context));
    await scope.register(ipnRoutes(context));
    await scope.register(pspRoutes(context));
    await scope.register(invariantRoutes(context));
    await scope.register(merchantAdminRoutes(context));
    await scope.register(keyRoutes(context));
    await scope.register(adminProviderKeyRoutes(context));
    await scope.register(fundRoutes(context));
    await scope.register(debtRoutes(context));
    await scope.register(adminsRoutes(context));
    await scope.register(auditRoutes(context));
    await scope.register(notificationRoutes(context));
    await scope.register(adminPushRoutes(context));
    await scope.register(adminGameRoutes(context));
    await scope.register(adminDeliveryRoutes(context));
    await scope.register(adminExplainRoutes(context));
    await scope.register(adminOverviewRoutes(context));
    await scope.register(adminDashboardRoutes(context));
    await scope.register(adminMarketRoutes(context));
    await scope.register(adminResolutionRoutes(context));
    await scope.register(adminDistributionRoutes(context));
    await scope.register(adminBankCreditRoutes(context)); // before `instant-payouts/{id}`, in the document too
    await scope.register(adminInstantPayoutRoutes(context));
    await scope.register(adminProofRoutes(context));
  };
}
