/**
 * The one way in which imports point: rules ← ledger, psp ← use cases ← routes; rules ← ledger, psp ← activities ← worker;
 * rules ← workflows. A flow (payouts, providers, users) knows another by its rules, its client and its use cases.
 */
const only = (name, from, allowed, comment, except) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, ...(except ? { pathNot: except } : {}) },
  to: { path: '^(src|workflows|activities|harness|tests|chaos|bench|cluster|fuzz|model)/', pathNot: [from, ...allowed] },
});
// What anybody may use: no rule about payouts is in there.
const GROUND = ['^src/(crypto|db|net|generated)/', '^src/(config|failpoints)\\.ts$'];
const RULES = '^src/(rules|[a-z]+/rules)/';
const ROUTES = '/routes/';
const LEDGER = '^src/ledger/(?!routes/)';
/** The rooms that flows stand on; what they know of a flow is its rules. */
const ROOMS = '^src/(ledger|temporal|psp|risk)/(?!routes/)';
/**
 * A flow's client names each workflow by its own function, so that the compiler checks what it is started with and answers.
 * Loading one outside of Temporal does nothing: a workflow module only defines. But nobody else in the API may call one.
 */
const CLIENT = '^src/(?!temporal/)[a-z]+/(client|runsClient)\\.ts$';
/** What a flow shows to others. */
const PAYOUTS = '^src/payouts/((client|reads|asOf|invariants|restored)\\.ts|useCases/)';
const GAMES = '^src/games/client\\.ts$';
/** How a subject came to stand as it does, or stood at an earlier time. */
const STORY = '^src/events/story\\.ts$';
const MARKETS = '^src/markets/client\\.ts$';
const INSTANT = '^src/instant/(client|reads|images/store|useCases/handOver)\\.ts$';
/** Of the door, what is no route: callers, problems, fields. */
const DOOR = '^src/http/(?!routes/)';
/** How a flow's things look outside: schemas and presenters. */
const PRESENT = '^src/([a-z]+/present/|[a-z]+/(present|schemas)\\.ts)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('rules-know-nobody', RULES, [], 'rules are pure: they may be asked from anywhere, and ask nobody'),
    {
      name: 'rules-are-pure',
      comment: 'no I/O in rules; the workflow contract may define its messages',
      severity: 'error',
      from: { path: RULES, pathNot: '^src/rules/newId\\.ts$' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: ['@temporalio/(workflow|common)', 'ibantools', 'protobufjs'] },
    },
    {
      name: 'workflows-decide-only',
      comment: 'deterministic: rules, and of activities the types',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^(src|activities)/', pathNot: [RULES], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-are-deterministic',
      comment: 'no clock, no I/O, no client: what is not the workflow SDK cannot be replayed',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: '@temporalio/(workflow|common)' },
    },
    only('ground-knows-nobody', '^src/(crypto|db|net)/', [RULES, ...GROUND], 'everybody stands on it'),
    only('ledger-stands-alone', LEDGER, [RULES, '^src/db/'], 'money is moved here and nowhere else', '^src/ledger/invariants\\.ts$'),
    {
      name: 'use-cases-that-post',
      comment: 'what is taken in within one transaction under a natural key; what pays out, waits or calls out is a workflow',
      severity: 'error',
      from: { path: '^(src|workflows)/', pathNot: ['^src/ledger/', '^src/(merchants/useCases/fund|providers/useCases/postEarning|users/useCases/moveMoney|games/useCases/(moveBank|bet|complete)|markets/useCases/(commit|importLines))\\.ts$'] },
      to: { path: '^src/ledger/postings\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'games-settle-by-activities',
      comment: 'what pays players out spans transactions; that a game is void is written down by whoever is told so, and done by them',
      severity: 'error',
      from: { path: '^(src|workflows)/', pathNot: ['^src/ledger/', '^src/games/useCases/intervene\\.ts$'] },
      to: { path: '^src/ledger/settlements\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'markets-settle-by-activities',
      comment: 'what pays winners spans transactions; that a market is frozen, or disputed, is written down by whoever is told so',
      severity: 'error',
      from: { path: '^(src|workflows)/', pathNot: ['^src/ledger/', '^src/markets/useCases/(resolve|dispute|disputeDistribution)\\.ts$'] },
      to: { path: '^src/ledger/distributions\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'instant-payouts-move-by-their-flow',
      comment: 'each step is one transaction under a natural key: a person’s by a use case, what a timer or a match brings by an activity',
      severity: 'error',
      from: { path: '^(src|workflows)/', pathNot: ['^src/ledger/', '^src/instant/useCases/'] },
      to: { path: '^src/ledger/instant\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'payouts-move-by-activities',
      comment: 'the worker runs them; an operator’s repair of the books does what they would have done',
      severity: 'error',
      from: { path: '^(src|workflows)/', pathNot: ['^src/ledger/', '^src/worker/', '^src/restore/main\\.ts$'] },
      to: { path: '^src/ledger/ledger\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    only('all-invariants', '^src/ledger/invariants\\.ts$', [LEDGER, '^src/db/', '^src/[a-z]+/invariants\\.ts$'], 'the one list of what every flow contributes'),
    only('psp-stands-alone', '^src/psp/(?!routes/|present|schemas)', [RULES, '^src/net/'], 'a connector speaks one wire format'),
    only('clients-start-workflows', CLIENT, [RULES, '^workflows/', '^src/temporal/(?!routes/)'], 'ids, policies and questions: what a flow says to its workflows'),
    only('temporal-client', '^src/temporal/(?!routes/)', [RULES, ...GROUND], ''),
    only('risk-judges', '^src/risk/(?!routes/|schemas)', [RULES, LEDGER, ...GROUND], ''),
    only('payouts', '^src/payouts/(?!routes/|present/|answers|orders)', [RULES, ROOMS, STORY, ...GROUND], 'no door: a use case answers with a union, whoever asks', CLIENT),
    only('payouts-in-words', '^src/payouts/(answers|orders)\\.ts$', [RULES, DOOR, '^src/(payouts/(?!routes/)|merchants/terms\\.ts)'], 'outcomes and faults of the use cases, in the words of HTTP'),
    only('merchants', '^src/merchants/(?!routes/|terms\\.ts)', [RULES, LEDGER, ...GROUND], 'no door: a use case answers with a union, whoever asks'),
    only('merchants-in-words', '^src/merchants/terms\\.ts$', [RULES, DOOR], 'a merchant’s terms, in the words of HTTP'),
    only('pauses', '^src/pauses/(?!routes/|present/)', [RULES, '^src/temporal/(?!routes/)', ...GROUND], 'no door, and no flow: each asks the books', CLIENT),
    only('providers', '^src/providers/(?!routes/|present/)', [RULES, ROOMS, PAYOUTS, ...GROUND], '', CLIENT),
    only('users', '^src/users/(?!routes/|present/)', [RULES, LEDGER, ...GROUND], 'no door: a use case answers with a union, whoever asks'),
    only('games', '^src/games/(?!routes/|present/)', [RULES, LEDGER, '^src/temporal/(?!routes/)', '^src/(users|pauses)/reads\\.ts$', STORY, ...GROUND], 'no door: a use case answers with a union, whoever asks', CLIENT),
    only('explained', '^src/explain/(?!routes/|present|schemas)', [RULES, LEDGER, PRESENT, '^src/(payouts|games|instant|pauses)/reads\\.ts$', '^src/events/(?!routes/)', '^src/http/caller\\.ts$', ...GROUND], 'a line for each flow; what is said is in its rules'),
    only('figures', '^src/overview/(?!routes/|present|schemas|rules/)', [RULES, ...GROUND], 'kept totals, and no walk over what there is'),
    only('markets', '^src/markets/(?!routes/|present/)', [RULES, LEDGER, '^src/temporal/(?!routes/)', '^src/((users|pauses)/reads|http/ndjson)\\.ts$', '^src/markets/present/', ...GROUND], 'no door: a use case answers with a union, whoever asks', CLIENT),
    only('instant', '^src/instant/(?!routes/|present/)', [RULES, LEDGER, PAYOUTS, '^src/temporal/(?!routes/)', '^src/users/reads\\.ts$', STORY, ...GROUND], 'no door: a use case answers with a union, whoever asks', CLIENT),
    only('presenters', PRESENT, [RULES, '^src/http/(schemas|masking)\\.ts$', '^src/generated/'], 'the words of the public API, for the door and for webhooks'),
    only('webhooks-are-shown', '^src/webhooks/(?!routes/)', [RULES, PRESENT, DOOR, ...GROUND], 'endpoints, their words, and what a person asks for; the relay sends'),
    only('relay-brings', '^src/relay/(?!rules/)', [RULES, LEDGER, PRESENT, '^src/(webhooks|notify|events|psp|temporal|payouts)/(?!routes/)', ...GROUND], 'rows that are due, to whoever waits for them'),
    only('notifications-go-out', '^src/notify/(?!routes/)', [RULES, '^src/http/schemas\\.ts$', ...GROUND], ''),
    only('events-are-presented', '^src/events/(?!routes/)', [RULES, PRESENT, '^src/http/schemas\\.ts$', '^src/ledger/invariant\\.ts$'], 'the words of each flow for what happened'),
    only('door', '^src/http/(?!routes/)', [RULES, ...GROUND, '^src/temporal/client\\.ts$'], 'knows no flow', '^src/http/(app|server|context)\\.ts$'),
    {
      name: 'routes-of-others',
      comment: 'what two flows’ routes share belongs to src/http',
      severity: 'error',
      from: { path: '^src/([a-z]+)/routes/' },
      to: { path: '^src/[a-z]+/routes/', pathNot: '^src/($1|http)/' },
    },
    only('console-is-a-page', '^src/console/', [RULES], 'runs in a browser: it asks our own API, and the rules that are the same everywhere'),
    {
      name: 'nobody-imports-the-page',
      severity: 'error',
      from: { pathNot: '^src/console/' },
      to: { path: '^src/console/' },
    },
    only('routes-are-a-door', '^src/[a-z]+/routes/', ['^src/(?!worker|restore|local|cli)'], 'no activities, no workflows, no worker'),
    only('worker-runs-activities', '^src/worker/', [RULES, '^(activities|workflows)/', '^src/[a-z]+/(?!routes/)', ...GROUND], 'no door, and nothing of one machine'),
    only('restore-compares', '^src/restore/', [RULES, ROOMS, PAYOUTS, '^src/[a-z]+/restored\\.ts$', ...GROUND], 'an operator’s tool beside the door'),
    only('activities-act', '^activities/', [RULES, ROOMS, PAYOUTS, GAMES, MARKETS, INSTANT, '^src/(relay|notify|webhooks|events)/(?!routes/)', ...GROUND], ''),
    {
      name: 'production-knows-no-tools',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/' },
      to: { path: '^(harness|tests|chaos|bench|cluster|fuzz|model)/' },
    },
    {
      name: 'harness-knows-no-tests',
      comment: 'what tests, chaos, bench and cluster share',
      severity: 'error',
      from: { path: '^harness/' },
      to: { path: '^(tests|chaos|bench|cluster|fuzz|model)/' },
    },
    only('model-plays-rules', '^model/', [RULES], 'the rules themselves, and nothing that acts'),
    {
      name: 'chaos-plays-scenarios',
      comment: 'who holds, kills, watches and judges knows no flow; a flow adds its scenario (the model’s stories are of payouts)',
      severity: 'error',
      from: { path: '^chaos/[a-zA-Z]+\\.ts$', pathNot: '^chaos/story(Parts)?\\.ts$' },
      to: { path: '^chaos/[a-z]+/', pathNot: '^chaos/scenarios/index\\.ts$' },
    },
    only('tools-share-the-harness', '^(chaos|bench|cluster|fuzz)/', ['^(src|harness|model|chaos|bench|cluster|fuzz|activities|workflows)/'], 'a test is nobody’s library'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
