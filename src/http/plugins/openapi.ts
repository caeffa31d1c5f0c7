/** The OpenAPI 3.1 document, made from the routes' own schemas, and a readable page of it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

/** Before the routes: it listens as they are registered. */
export async function addOpenApi(app: FastifyInstance, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'oncepay',
        version: '1.0.0',
        description:
          'A payout engine whose promise is its name: each payout is paid once, whatever crashes, times out, repeats or arrives late.\n\n' +
          'Authorize with a key of whoever calls: `pk_…` a merchant, `vk_…` a provider, `ak_…` an admin.',
      },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-KEY' },
          bearer: { type: 'http', scheme: 'bearer' },
          // What the console uses in place of a key, with any route; both together.
          session: { type: 'apiKey', in: 'cookie', name: '__Host-oncepay' },
          csrf: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
        },
      },
    },
    transform: (route) => jsonSchemaTransform({ ...route, schema: withOperationId(route.schema, route.route) }),
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'oncepay API' },
    logo: { type: 'image/svg+xml', content: LOGO },
    staticCSP: true,
    // A local installation speaks plain http: a browser told to upgrade would find no style and no script.
    transformStaticCSP: (header) => header.replace(/ ?upgrade-insecure-requests;?/, ''),
  });
}

/** In place of the framework's own. */
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 130 40"><text x="0" y="28" font-family="sans-serif" font-size="28" fill="#fff">oncepay</text></svg>';

/** Client generators name their functions after it; a route that gives none is named after its method and path. */
function withOperationId(schema: FastifySchema | undefined, { method, url }: RouteOptions): FastifySchema {
  const words = url.replace(/^\/api\/(v1\/)?/, '').split(/[^A-Za-z0-9]+/);
  const id = [String(method).toLowerCase(), ...words.filter(Boolean).map((word) => word.charAt(0).toUpperCase() + word.slice(1))];
  return { operationId: id.join(''), ...schema };
}
