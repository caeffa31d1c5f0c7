/**
 * Reads oncepay's live events with `fetch`, in a browser and in Node: each event once and in order, however often the line
 * breaks. A browser's own EventSource will not do: it cannot send a token but in the URL, and comes back with the old one.
 *
 *   for await (const { id, event, data } of liveEvents({ url: 'https://pay.example', token: fetchToken })) show(event, data);
 *
 * `token` asks your own server for what its POST /api/v1/stream-tokens was answered: { token, expiresAt }.
 * `event: 'reset'` says that what was missed is not known any more: show `data.data.object` in place of what you have.
 *
 * Tried in a terminal: node docs/examples/stream.mjs http://127.0.0.1:3000 pk_test_… [types]
 */

/** A token that ends sooner is renewed before it is used: the way to the server takes time, and clocks differ. */
const RENEW_BEFORE_MS = 30_000;
/** Until the server says so itself. */
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 30_000;

/**
 * @param {object} options
 * @param {string} options.url where oncepay is
 * @param {() => Promise<{ token: string, expiresAt: string }>} options.token
 * @param {string} [options.types] such as payout.*,user.credited
 * @param {string} [options.lastEventId] the last `id` that you have dealt with, to resume from
 * @param {AbortSignal} [options.signal] ends it
 * @param {typeof globalThis.fetch} [options.fetch]
 * @returns {AsyncGenerator<{ id: string, event: string, data: any }, void>}
 */
export async function* liveEvents({ url, token, types, lastEventId, signal, fetch = globalThis.fetch }) {
  const address = `${url}/api/v1/stream${types ? `?types=${encodeURIComponent(types)}` : ''}`;
  const state = { lastEventId, retryMs: RETRY_MS };
  let granted;
  for (let failures = 0; !signal?.aborted; ) {
    try {
      if (!granted || Date.parse(granted.expiresAt) - Date.now() < RENEW_BEFORE_MS) granted = await token();
      const headers = { accept: 'text/event-stream', authorization: `Bearer ${granted.token}` };
      if (state.lastEventId) headers['last-event-id'] = state.lastEventId;
      const response = await fetch(address, { headers, cache: 'no-store', signal });
      if (response.status === 401) granted = undefined; // revoked, or the server's keys have changed
      if (response.ok && response.body) {
        failures = 0;
        yield* eventsIn(response.body, state);
      } else {
        await response.body?.cancel();
        if (response.status >= 400 && response.status < 500 && ![401, 408, 429].includes(response.status))
          throw Object.assign(new Error(`the stream is refused: ${response.status}`), { isFinal: true });
        failures += 1;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (error.isFinal) throw error;
      failures += 1; // the line: what was missed comes when it is back
    }
    await pause(Math.min(state.retryMs * 2 ** Math.max(failures - 1, 0), RETRY_MOST_MS), signal);
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
async function* eventsIn(body, state) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (let text = ''; ; ) {
      const { done, value } = await reader.read();
      if (done) return; // an event that has not come in whole is none: it is sent again
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const { id = state.lastEventId, event = 'message', data, retry } = fieldsOf(block);
        if (retry) state.retryMs = Number(retry);
        state.lastEventId = id;
        if (data !== undefined) yield { id, event, data: JSON.parse(data) };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Each of our fields is on one line; a comment has no name. */
function fieldsOf(block) {
  const fields = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] = value;
  }
  return fields;
}

async function pause(ms, signal) {
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
  });
}

/** In a terminal the key itself is at hand: no page ever sees it. */
async function main([url, key, types]) {
  const token = async () => {
    const headers = { 'x-api-key': key, 'x-idempotency-key': crypto.randomUUID(), 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1/stream-tokens`, { method: 'POST', headers, body: '{}' });
    if (!response.ok) throw Object.assign(new Error(`no token: ${response.status}`), { isFinal: response.status < 500 });
    return await response.json();
  };
  for await (const { id, event, data } of liveEvents({ url, token, types })) console.log(id, event, JSON.stringify(data));
}

const argv = globalThis.process?.argv ?? [];
if (argv[1] && import.meta.url.endsWith('/docs/examples/stream.mjs') && argv[1].endsWith('stream.mjs')) await main(argv.slice(2));
