/** Admins and what they did, for the OpenAPI document. */
import { z } from 'zod';
import { ROLES } from '../../rules/roles.ts';
import { jsonSchema, timeSchema } from '../schemas.ts';

const adminFields = {
  id: z.string(),
  object: z.literal('admin'),
  name: z.string(),
  role: z.string().meta({ enum: [...ROLES] }),
  email: z.string().nullable().meta({ description: 'Where notifications go; null: none by e-mail' }),
  active: z.boolean(),
  createdAt: timeSchema,
};
export const adminSchema = z.object(adminFields).meta({ id: 'Admin' });
export const newAdminSchema = z
  .object({ ...adminFields, key: z.string().meta({ description: 'Shown here only' }) })
  .meta({ id: 'NewAdmin' });

export const auditSchema = z
  .object({
    id: z.string(),
    object: z.literal('audit_entry'),
    adminId: z.string().meta({ description: 'Who: an admin, or a merchant about its own keys (`mer_…`)' }),
    action: z.string(),
    target: z.string(),
    requestId: z.string(),
    data: jsonSchema,
    at: timeSchema,
  })
  .meta({ id: 'AuditEntry' });
