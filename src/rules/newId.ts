/** Making ids. Apart from ids.ts because it needs a clock and randomness, which workflow code must never bundle. */
import { v7 } from 'uuid';

/** `<prefix>_` and the 32 hex digits of a UUIDv7 (RFC 9562). The ids of one process sort in the order they were made. */
export const newId = (prefix: string): string => `${prefix}_${v7().replaceAll('-', '')}`;
