/** Holds every answer against the OpenAPI document: a status that is not in it, or a field too many or too few, fails the test. */
import { z } from 'zod';

interface Content {
  readonly schema?: unknown;
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

/** @returns a check that throws where an answer is not as the document says. */
export function documentCheck(document: Document): (answered: Answered) => void {
  const schemas = new Map<string, z.ZodType>();

  function schemaOf(name: string, schema: unknown): z.ZodType {
    const known = schemas.get(name);
    if (known) return known;
    const whole = { ...(schema as object), $defs: document.components?.schemas ?? {} };
    // In a schema of its own, the components stand under $defs.
    const made = z.fromJSONSchema(JSON.parse(JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/')));
    schemas.set(name, made);
    return made;
  }

  return ({ method, path, status, contentType, body }) => {
    const template = Object.keys(document.paths).find((each) => matches(each, path.split('?', 1)[0] ?? ''));
    const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
    if (!operation) return; // no such route, or not with this method
    const name = `${method} ${template} ${status}`;
    const response = operation.responses[status];
    if (!response) throw new Error(`${name} is not in the document: ${JSON.stringify(body)}`);
    const [mediaType = ''] = contentType.split(';', 1);
    const content = response.content?.[mediaType];
    if (body === undefined && response.content === undefined) return;
    if (!content?.schema) throw new Error(`${name} is not ${mediaType} in the document`);
    const parsed = schemaOf(name, content.schema).safeParse(body);
    if (!parsed.success)
      throw new Error(`${name} is not as in the document: ${JSON.stringify(parsed.error.issues)}\n${JSON.stringify(body)}`);
  };
}

function matches(template: string, path: string): boolean {
  const wanted = template.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index]);
}
