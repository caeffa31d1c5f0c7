/** Which provider payouts a person must look at: the policy in force, a new version of it, and how another would have decided. */

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Prisma } from '../../generated/prisma/client.ts';
import { writeAudit } from '../../http/audit.ts';
import { adminOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, noQuery, word } from '../../http/documented.ts';
import { oneAtATime } from '../../http/oneAtATime.ts';
import { adminAuth } from '../../http/plugins/auth.ts';
import { canonical, onceIfKeyed } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { newestIds, type PayoutFilter } from '../../payouts/newest.ts';
import { formatMajor } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import type { RiskRecord } from '../rules/assess.ts';
import { redecide } from '../rules/dryRun.ts';
import type { RiskPolicy } from '../rules/policy.ts';
import { dryRunSchema, riskPolicySchema } from '../schemas.ts';
import { changedPolicy, policyFor, policyInput, presentPolicy, type StoredPolicy } from './policies.ts';

const { read, write } = documented('admin');

const whose = z.strictObject({
  merchantId: word.optional().meta({ description: 'Left out: the installation’s, for every merchant without its own' }),
});

/** A thousand are some megabytes of facts, read and decided anew in well under a second. */
const LAST_MAX = 1_000;
const LAST_DEFAULT = 100;

const trial = z
  .strictObject({
    policy: policyInput.optional().meta({ description: 'What is left out is as in the policy in force' }),
    last: z.int().min(1).max(LAST_MAX).default(LAST_DEFAULT),
    merchantId: word.optional(),
    mode: z.enum(['test', 'live']).optional(),
  })
  .meta({ id: 'RiskDryRunOrder' });

export function riskPolicyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma, pool } = context;

  async function mustExist(merchantId: string | undefined): Promise<void> {
    if (merchantId === undefined) return;
    if (!(await prisma.merchant.findUnique({ where: { id: merchantId }, select: { id: true } }))) throw notFound();
  }

  return async (app) => {
    app.get(
      '/risk-policy',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: { querystring: whose, ...read('The policy by which provider payouts are judged now', riskPolicySchema) },
      },
      async (request) => {
        const { merchantId } = request.query;
        await mustExist(merchantId);
        return present(await policyFor(prisma, merchantId ?? ''));
      },
    );

    app.put(
      '/risk-policy',
      {
        onRequest: adminAuth(context, ACTION_ROLES.riskPolicy),
        schema: {
          querystring: whose,
          body: z.strictObject({ policy: policyInput }),
          ...write('Make a new version; payouts that were judged keep theirs', 200, riskPolicySchema),
        },
      },
      async (request, reply) => {
        const { merchantId = '' } = request.query;
        await mustExist(request.query.merchantId);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('rsk'),
          async execute(_, isRepeat) {
            const { adminId: by } = adminOf(request);
            const made = await prisma.$transaction(async (db) => {
              const before = await lockPolicy(db, merchantId);
              const rules = changedPolicy(before.rules, request.body.policy);
              // Made by the call that this one repeats.
              if (isRepeat && before.made?.by === by && canonical(before.rules) === canonical(rules)) return before;
              const version = before.version + 1;
              await db.riskPolicy.create({ data: { merchantId, version, policy: rules as object, createdBy: by } });
              const data = { version, policy: presentPolicy(rules) };
              await writeAudit(db, request, { action: 'risk_policy.change', target: merchantId || 'installation', data });
              return await policyFor(db, merchantId);
            });
            return { status: 200, body: present(made) };
          },
        });
      },
    );

    app.post(
      '/risk-policy/dry-run',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: noQuery,
          body: trial,
          ...write('How another policy would have decided', 200, dryRunSchema),
        },
      },
      async (request) => {
        const { policy = {}, last, merchantId, mode } = request.body;
        await mustExist(merchantId);
        const rules = changedPolicy((await policyFor(prisma, merchantId ?? '')).rules, policy);
        return presentDryRun(
          await lastJudged(pool, { merchantId: merchantId ?? undefined, mode: mode ?? undefined, take: last }),
          rules,
        );
      },
    );
  };
}

/**
 * The policy in force, with every other change kept waiting. A merchant's first own version comes after the
 * installation's, so that for each merchant a greater number is the later policy.
 */
async function lockPolicy(db: Prisma.TransactionClient, merchantId: string): Promise<StoredPolicy> {
  await oneAtATime(db, 'risk policies');
  return await policyFor(db, merchantId);
}

function present({ merchantId, version, rules, made }: StoredPolicy) {
  return {
    object: 'risk_policy' as const,
    merchantId: merchantId === '' ? null : merchantId,
    version,
    policy: presentPolicy(rules),
    createdBy: made?.by ?? null,
    createdAt: made?.at.toISOString() ?? null,
  };
}

interface JudgedRow {
  readonly id: string;
  readonly currency: string;
  readonly amount: string;
  readonly created_at: Date;
  readonly risk: RiskRecord;
}

async function lastJudged(pool: Pool, filter: Pick<PayoutFilter, 'merchantId' | 'mode' | 'take'>): Promise<JudgedRow[]> {
  const values: unknown[] = [];
  const ids = newestIds(
    { ...filter, kind: 'provider', also: () => 'x.risk IS NOT NULL', after: undefined },
    (value) => `$${values.push(value)}`,
  );
  const { rows } = await pool.query<JudgedRow>(
    `SELECT p.id, p.currency, p.amount, p.created_at, p.risk FROM (${ids}) q JOIN payouts p ON p.id = q.id ORDER BY p.id DESC`,
    values,
  );
  return rows;
}

function presentDryRun(rows: readonly JudgedRow[], rules: RiskPolicy) {
  const judged = rows.map((row) => ({ row, ...redecide(row.risk, rules) }));
  const count = (decision: string, of: 'was' | 'wouldBe') => judged.filter((each) => each[of].decision === decision).length;
  const counts = (of: 'was' | 'wouldBe') => ({ APPROVE: count('APPROVE', of), REVIEW: count('REVIEW', of) });
  return {
    object: 'risk_dry_run' as const,
    policy: presentPolicy(rules),
    considered: judged.length,
    was: counts('was'),
    wouldBe: counts('wouldBe'),
    payouts: judged.map(({ row, was, wouldBe, differs }) => ({
      payoutId: row.id,
      was: was.decision,
      wouldBe: wouldBe.decision,
      differs,
    })),
    differences: judged.flatMap(({ row, was, wouldBe, differs }) => {
      if (!differs) return [];
      const { id: payoutId, currency, created_at: createdAt, risk } = row;
      const amount = formatMajor(BigInt(row.amount), currency);
      return [
        { payoutId, amount, currency, createdAt: createdAt.toISOString(), policyVersion: risk.policyVersion, was, wouldBe },
      ];
    }),
  };
}
