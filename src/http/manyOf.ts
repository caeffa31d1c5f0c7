/** Long lists in requests: looked through up to their first fault, since everybody else waits meanwhile. */
import { z } from 'zod';
import { sentenceOf } from './validation.ts';

/**
 * A list of at most so many. With `z.array` ten thousand wrong items are ten thousand times as many faults, of which a client is
 * told the first fifty; a quarter of a second goes by, in which the process does nothing else.
 */
export function manyOf<Item extends z.ZodType>(item: Item, most: number) {
  const { $schema: _, ...items } = z.toJSONSchema(item, { io: 'input' });
  return z
    .array(z.unknown())
    .max(most)
    .transform((given, context) => {
      const read: z.output<Item>[] = [];
      for (const [at, each] of given.entries()) {
        const parsed = item.safeParse(each, { error: (issue) => sentenceOf(issue, false) });
        if (parsed.success) read.push(parsed.data);
        else {
          for (const issue of parsed.error.issues)
            context.issues.push({ ...issue, input: each, path: [at, ...issue.path] } as never);
          return z.NEVER;
        }
      }
      return read;
    })
    .meta({ type: 'array', maxItems: most, items });
}
