/** Free text from outside as a schema: checked by the rules of src/rules/text.ts, in its one spelling afterwards. */
import { z } from 'zod';
import { freeTextFault, normalize, TEXT_FAULTS } from '../rules/text.ts';

export const plainText = (min: number, max: number) =>
  z
    .string()
    .superRefine((text, context) => {
      const code = freeTextFault(text, min, max);
      if (code) context.addIssue({ code: 'custom', message: TEXT_FAULTS[code], params: { code } });
    })
    .transform(normalize)
    .meta({ minLength: min, maxLength: max });
