/**
 * Whole installations first, then what has most lines: the last file must not run alone while the other worker idles. In a
 * fresh clone Jest does not know yet how long a file takes.
 */
const { statSync } = require('node:fs');

const RANKS = [/\/e2e\//, /\/integration\//, /\/replay\//];
const rankOf = ({ path }) => RANKS.findIndex((each) => each.test(path)) >>> 0; // none of them: last
const sizeOf = ({ path }) => statSync(path).size;

module.exports = class LongestFirst {
  sort(tests) {
    return [...tests].sort((a, b) => rankOf(a) - rankOf(b) || sizeOf(b) - sizeOf(a));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
};
