/** How long a server asks to be left alone (RFC 9110 §10.2.3: seconds or an HTTP date), in ms; null where it does not say. */
export function retryAfter(header: string | string[] | undefined): number | null {
  const text = typeof header === 'string' ? header.trim() : '';
  const ms = /^\d+$/.test(text) ? Number.parseInt(text, 10) * 1_000 : Date.parse(text) - Date.now();
  return ms >= 0 ? ms : null;
}
