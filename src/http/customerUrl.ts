/** URLs that customers give us to send to. */
import { type AddressRules, checkWebhookUrl } from '../net/address.ts';
import { TEXT_FAULTS, textFault } from '../rules/text.ts';
import { textBy } from './plainText.ts';
import { type FieldError, invalidRequest, Problem } from './problem.ts';

/** Its form is checkWebhookUrl's affair; but what the URL parser forgives, such as a NUL, PostgreSQL does not. */
export const urlText = (example: string) => textBy(textFault).meta({ format: 'uri', maxLength: 2048, examples: [example] });

/** @throws Problem where we do not send: to no URL at all, or into a network that is not public. */
export async function mustBeAllowed(url: string, pointer: string, rules: AddressRules): Promise<void> {
  const fault = await checkWebhookUrl(url, rules);
  if (!fault) return;
  const errors = [{ pointer, ...fault }];
  if (fault.code === 'invalid_url') throw invalidRequest(errors);
  throw new Problem(422, 'url_not_allowed', fault.detail, { errors });
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** A `callbackUrl`, where there is one: what is wrong with it is one more of the request's faults. */
export async function readCallbackUrl(url: unknown, rules: AddressRules, errors: FieldError[]): Promise<void> {
  if (!isGiven(url)) return;
  const pointer = '/callbackUrl';
  const unreadable = typeof url === 'string' ? textFault(url) : 'invalid_type';
  if (unreadable || typeof url !== 'string') {
    errors.push({ pointer, code: unreadable ?? 'invalid_type', detail: TEXT_FAULTS[unreadable ?? 'invalid_type'] });
    return;
  }
  const fault = await checkWebhookUrl(url, rules);
  if (fault) errors.push({ pointer, ...fault });
}
