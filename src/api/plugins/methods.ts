/** A path that exists, asked with a method that it has not: 405 and `Allow`, before a key or a body is looked at. */
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.ts';

/** Call before the routes are registered, and what it returns after the last one. */
export function otherMethodsRefuser(app: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  let isDone = false;
  app.addHook('onRoute', ({ url, method }) => {
    if (isDone || url.includes('*') || url.startsWith('/docs')) return; // the page of the document has routes of its own kind
    const methods = allowed.get(url) ?? new Set<string>();
    for (const each of [method].flat()) methods.add(each);
    allowed.set(url, methods);
  });
  // Methods that Node reads but Fastify has no routes for would be 404. CONNECT never comes as a request.
  const known = METHODS.filter((method) => method !== 'CONNECT');
  for (const method of known) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);

  return () => {
    isDone = true;
    for (const [url, methods] of allowed) {
      const allow = [...methods].sort().join(', ');
      const refuse = async (): Promise<never> => {
        throw new Problem(405, 'method_not_allowed', `This path takes ${allow}.`, { headers: { allow } });
      };
      const others = known.filter((method) => !methods.has(method));
      app.route({ method: others, url, schema: { hide: true }, onRequest: refuse, handler: refuse });
    }
  };
}
