/**
 * What happens at a merchant, as it happens: one stream for all tabs of a browser. The tab that holds the lock reads it and tells
 * the others; one that closes leaves the lock to another, which resumes where it stopped. An event says that something changed;
 * how it stands now, each screen asks.
 */
import { useEffect, useState } from 'react';
import { failureOf, ourHeaders } from './api.ts';
import { isOfTheSession, queries } from './query.ts';
import { useSession } from './session.tsx';

export type Live = 'live' | 'lost' | 'off';

type Word = { readonly live: Live } | { readonly changed: string };

/** A proxy may give up a connection that is silent for so long; the API sends something every 15 s. */
const SILENT_MS = 40_000;
const AGAIN_MS = { least: 1_000, most: 4_000 } as const;

/** Where the stream goes on, for whichever tab reads it next. */
let lastId = '';

export function useLive(): Live {
  const { who } = useSession();
  const [live, setLive] = useState<Live>(who.kind === 'merchant' ? 'live' : 'off');
  useEffect(() => {
    if (who.kind !== 'merchant') return;
    const channel = new BroadcastChannel(`oncepay-live-${who.keyId}`);
    const ended = new AbortController();
    const hear = (word: Word): void => {
      if ('live' in word) setLive(word.live);
      else void queries.invalidateQueries({ predicate: isOfTheSession });
    };
    const tell = (word: Word): void => {
      hear(word);
      channel.postMessage(word);
    };
    channel.addEventListener('message', ({ data }: MessageEvent<Word>) => hear(data));
    void navigator.locks
      .request(`oncepay-live-${who.keyId}`, { signal: ended.signal }, () => follow(tell, ended.signal))
      .catch(() => undefined); // this page ended before its turn came
    return () => {
      ended.abort();
      channel.close();
    };
  }, [who.kind, who.keyId]);
  return live;
}

/** Until the page ends, or the API says that this key may not listen. */
async function follow(tell: (word: Word) => void, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    try {
      const isAllowed = await readOnce(tell, ended);
      if (!isAllowed) return tell({ live: 'off' });
    } catch {
      if (ended.aborted) return;
    }
    tell({ live: 'lost' });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS.least + Math.random() * (AGAIN_MS.most - AGAIN_MS.least)));
  }
}

/** One connection, to its end. False: it will never be open to this key. */
async function readOnce(tell: (word: Word) => void, ended: AbortSignal): Promise<boolean> {
  const silence = new AbortController();
  const signal = AbortSignal.any([ended, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    const headers = { ...ourHeaders(), ...(lastId ? { 'last-event-id': lastId } : {}) };
    const response = await fetch('/api/v1/stream', { headers, credentials: 'same-origin', signal });
    if (response.status === 403 || response.status === 401) return false;
    if (!response.ok || !response.body) throw failureOf(response, undefined);
    tell({ live: 'live' });
    tell({ changed: 'resumed' }); // whatever came while nobody read
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
      const frames = (rest + value).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(frame)?.[1];
        lastId = field('id') ?? lastId;
        const event = field('event');
        if (event) tell({ changed: event });
      }
    }
  } finally {
    clearTimeout(timer);
  }
}
