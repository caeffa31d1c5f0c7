/** An e-mail address from outside, for whoever is told something. */
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { TEXT_FAULTS } from '../rules/text.ts';

/** RFC 5321: a path has at most 256 octets, two of them its brackets. */
const EMAIL_MAX = 254;

/** A dot-atom of RFC 5322, of at most 64 characters. A quoted one, which may hold spaces and line ends, is refused. */
const LOCAL = /^(?=.{1,64}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** Letters, digits and marks of any script: all that may stand in an internationalised name. */
const ANY_SCRIPT = /^[\p{L}\p{M}\p{N}.-]+$/u;

/** At least two labels, the last of them no number. */
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/i;

/** As it is sent: a domain in another script in its ASCII form (`müller.example`: `xn--mller-kva.example`). */
export const emailAddress = z
  .string()
  .transform((text, context) => {
    const address = text.length > EMAIL_MAX ? undefined : sendable(text);
    if (address !== undefined && address.length <= EMAIL_MAX) return address;
    const isTooLong = text.length > EMAIL_MAX || address !== undefined;
    const fault = isTooLong ? ['too_long', TEXT_FAULTS.too_long] : ['invalid_format', 'Must be an e-mail address.'];
    context.addIssue({ code: 'custom', message: String(fault[1]), params: { code: fault[0] } });
    return z.NEVER;
  })
  .meta({ format: 'email', maxLength: EMAIL_MAX });

function sendable(text: string): string | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const domain = text.slice(at + 1);
  if (!LOCAL.test(local) || !ANY_SCRIPT.test(domain)) return undefined;
  // What is ASCII already stays as it was written; but it too must be a name that IDNA knows (`xn--…`).
  const ascii = domainToASCII(domain);
  if (!DOMAIN.test(ascii)) return undefined;
  return `${local}@${/^[\0-\x7F]+$/.test(domain) ? domain : ascii}`;
}
