/** An invariant as admins read it, for the OpenAPI document. */
import { z } from 'zod';

export const invariantSchema = z
  .object({ name: z.string(), description: z.string(), violations: z.int() })
  .meta({ id: 'Invariant' });
