/**
 * The token that opens this page. It comes behind the `#`, which no server, proxy or log is told; it leaves the address at once, so
 * that nobody reads it there or sends it on with a link, and stays with this tab, so that a reload still has it.
 */

const place = `oncepay-page ${location.pathname}`;

function take(): string {
  const given = location.hash.slice(1);
  if (given !== '') history.replaceState(null, '', location.pathname);
  try {
    if (given !== '') sessionStorage.setItem(place, given);
    return given || (sessionStorage.getItem(place) ?? '');
  } catch {
    return given; // a browser that keeps nothing in somebody's frame: a reload has it no more
  }
}

export const token = take();

/** Another link, opened in this tab: to the browser it is the same page. */
addEventListener('hashchange', () => location.reload());
