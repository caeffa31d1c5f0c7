/** A worker that dies: its database calls stop being heard of, in the middle of what it does. */
import type { Pool } from 'pg';

/** Ends its user after so many calls that `counts` have been written down, before anybody hears of the last. */
export function dyingAfter(pool: Pool, calls: number, counts: RegExp): Pool {
  let left = calls;
  return new Proxy(pool, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (name !== 'query') return typeof found === 'function' ? found.bind(target) : found;
      return async (...query: [never]) => {
        if (left === 0) throw new Error('the worker is gone');
        const answer = await target.query(...query);
        if (counts.test(JSON.stringify(query))) left -= 1;
        if (left === 0) throw new Error('the worker is gone');
        return answer;
      };
    },
  });
}
