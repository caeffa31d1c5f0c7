/** The one way in which imports point: domain ← ledger, psp ← activities ← worker; domain ← workflows; domain ← api. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|workflows|activities)/', pathNot: [from, ...allowed] },
});
// What anybody may use: no rule about payouts is in there.
const GROUND = ['^src/crypto/', '^src/db/', '^src/http/', '^src/generated/', '^src/(config|failpoints)\\.ts$'];
const DOMAIN = '^src/domain/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('domain-knows-nobody', DOMAIN, [], 'rules are pure: they may be asked from anywhere, and ask nobody'),
    {
      name: 'domain-is-pure',
      comment: 'no I/O in rules; the workflow contract may define its messages',
      severity: 'error',
      from: { path: DOMAIN, pathNot: '^src/domain/newId\\.ts$' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: ['@temporalio/(workflow|common)', 'ibantools', 'protobufjs'] },
    },
    {
      name: 'workflows-decide-only',
      comment: 'deterministic: rules, and of activities the types',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^(src|activities)/', pathNot: [DOMAIN], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-are-deterministic',
      comment: 'no clock, no I/O, no client: what is not the workflow SDK cannot be replayed',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: '@temporalio/(workflow|common)' },
    },
    only('ground-knows-nobody', '^src/(crypto|db|http)/', [DOMAIN, ...GROUND], 'everybody stands on it'),
    only('ledger-stands-alone', '^src/ledger/', [DOMAIN, '^src/db/'], 'money is moved here and nowhere else'),
    only('psp-stands-alone', '^src/psp/', [DOMAIN, '^src/http/'], 'a connector speaks one wire format'),
    only('temporal-client', '^src/temporal/', [DOMAIN, ...GROUND], ''),
    only('presenters', '^src/present/', [DOMAIN], 'the words of the public API, for the door and for webhooks'),
    only('api-is-a-door', '^src/api/', [DOMAIN, '^src/(ledger|psp|temporal|present|webhooks)/', ...GROUND], 'no activities, no workflows, no worker'),
    only('webhooks-go-out', '^src/webhooks/', [DOMAIN, '^src/(present|temporal)/', ...GROUND], ''),
    only('notifications-go-out', '^src/notify/', [DOMAIN, '^src/webhooks/(address|guardedFetch)\\.ts$', ...GROUND], 'a push goes to public addresses only, as a webhook does'),
    only('worker-runs-activities', '^src/worker/', [DOMAIN, '^(activities|workflows)/', '^src/(ledger|psp|temporal|present|webhooks|notify)/', ...GROUND], 'no door, and nothing of one machine'),
    only('restore-compares', '^src/restore/', [DOMAIN, '^src/(ledger|temporal)/', ...GROUND], 'an operator’s tool beside the door'),
    only('activities-act', '^activities/', [DOMAIN, '^src/(ledger|psp|temporal|present|webhooks|notify)/', ...GROUND], ''),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
