/** What every flow's answers are made of, for the OpenAPI document. */
import { z } from 'zod';

export const moneySchema = z.string().meta({ pattern: '^-?(0|[1-9][0-9]*)([.][0-9]{2,3})?$', examples: ['1500.00'] });
export const timeSchema = z.string().meta({ format: 'date-time', examples: ['2026-11-21T09:30:00.000Z'] });
export const jsonSchema = z.unknown().meta({ description: 'JSON' });
