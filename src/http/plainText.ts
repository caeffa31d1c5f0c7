/** Text from outside as a schema: checked by the rules of src/rules/text.ts. */
import { z } from 'zod';
import { freeTextFault, normalize, referenceFault, TEXT_FAULTS, type TextFault } from '../rules/text.ts';

/** By a rule that names the fault. */
export const textBy = (faultOf: (text: string) => TextFault | undefined) =>
  z.string().superRefine((text, context) => {
    const code = faultOf(text);
    if (code) context.addIssue({ code: 'custom', message: TEXT_FAULTS[code], params: { code } });
  });

/** Free text, in its one spelling afterwards. */
export const plainText = (min: number, max: number) =>
  textBy((text) => freeTextFault(text, min, max))
    .transform(normalize)
    .meta({ minLength: min, maxLength: max });

/** The client's own name for something: a payout's reference, money's or a provider's `externalId`. */
export const reference = textBy(referenceFault).meta({ minLength: 1, maxLength: 64 });
