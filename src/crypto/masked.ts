/** What no log may hold: the keys and secrets that we hand out, whoever quotes them, and what may be an account's number. */
import { SECRET_PREFIXES } from './newSecret.ts';

/** Every secret of ours has its prefix; also in the middle of a path, a query or somebody's sentence. */
const SECRET = new RegExp(`(?<![A-Za-z0-9])(${SECRET_PREFIXES.join('|')})[A-Za-z0-9+/=_-]+`, 'g');

/** Ten digits in a row; but not within an id of ours, which is hex. */
const ACCOUNT = /(?<![0-9a-f])[0-9]{10,}(?![0-9a-f])/g;

export const masked = (text: string): string => text.replace(ACCOUNT, '[digits]').replace(SECRET, '$1[redacted]');
