/**
 * Whole installations (e2e) keep a core busy, the others mostly wait: woven together, both cores have something to do at every
 * moment, and nothing long is left for the end. In a fresh clone Jest does not know yet how long a file takes; what has most
 * lines comes first.
 */
const { statSync } = require('node:fs');

/** About as many of the others as run beside one of e2e. */
const BESIDE = 4;

const isWhole = ({ path }) => /\/e2e\//.test(path);
const bySize = (tests) => tests.map((test) => ({ test, size: statSync(test.path).size })).sort((a, b) => b.size - a.size);
const sorted = (tests) => bySize(tests).map(({ test }) => test);

module.exports = class Woven {
  sort(tests) {
    const others = sorted(tests.filter((each) => !isWhole(each)));
    const woven = sorted(tests.filter(isWhole)).flatMap((each) => [each, ...others.splice(0, BESIDE)]);
    return [...woven, ...others];
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
};
