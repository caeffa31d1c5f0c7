/** An e-mail address from outside, for whoever is told something. */
import { z } from 'zod';

/** RFC 5321: a path has at most 256 octets, two of them its brackets. */
const EMAIL_MAX = 254;

export const emailAddress = z.email('Must be an e-mail address.').max(EMAIL_MAX, 'Is too long.');
