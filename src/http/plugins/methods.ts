/** A path that exists, asked with a method that it has not: 405 and `Allow`, before a key or a body is looked at. */
import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.ts';

const notAllowed = (allow: string): Problem =>
  new Problem(405, 'method_not_allowed', `This path takes ${allow}.`, { headers: { allow } });

export interface OtherMethods {
  /** To be called after the last route was registered. */
  refuse(): void;
  /** For a method that even Node does not know: 405 where there is such a path. */
  unknownMethod(path: string): Problem | undefined;
}

/** To be called before the routes are registered. */
export function watchMethods(app: FastifyInstance): OtherMethods {
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

  return {
    refuse() {
      isDone = true;
      for (const [url, methods] of allowed) {
        const refuse = async (): Promise<never> => {
          throw notAllowed(listOf(methods));
        };
        const others = known.filter((method) => !methods.has(method));
        app.route({ method: others, url, schema: { hide: true }, onRequest: refuse, handler: refuse });
      }
    },
    unknownMethod(path) {
      const found = [...allowed].find(([url]) => matches(url, path));
      return found && notAllowed(listOf(found[1]));
    },
  };
}

const listOf = (methods: ReadonlySet<string>): string => [...methods].sort().join(', ');

function matches(url: string, path: string): boolean {
  const wanted = url.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith(':') || part === given[index]);
}
