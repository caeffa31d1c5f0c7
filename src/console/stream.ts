/**
 * What happens, as it happens: one stream for all tabs of a browser that show the same. The tab that holds the lock reads it and
 * tells the others; one that closes leaves the lock to another, which resumes where it stopped. An event says that something
 * changed; how it stands now, each screen asks.
 */
import { useEffect, useState } from 'react';
import { failureOf } from './api.ts';

export type Live = 'live' | 'lost' | 'off';

type Word = { readonly live: Live } | { readonly changed: string };

export interface Source {
  /** By which tabs know each other. */
  readonly name: string;
  readonly url: string;
  readonly headers: () => Record<string, string>;
}

/** A proxy may give up a connection that is silent for so long; the API sends something every 15 s. */
const SILENT_MS = 40_000;
const AGAIN_MS = { least: 1_000, most: 4_000 } as const;

/** Where the stream goes on, for whichever tab reads it next. */
let lastId = '';

/** @param source null: there is nothing to hear. */
export function useStream(source: Source | null, onChanged: () => void): Live {
  const [live, setLive] = useState<Live>('live');
  // biome-ignore lint/correctness/useExhaustiveDependencies: another name is another source, and nothing else is
  useEffect(() => {
    if (!source) return;
    const channel = new BroadcastChannel(source.name);
    const ended = new AbortController();
    const hear = (word: Word): void => {
      if ('live' in word) setLive(word.live);
      else onChanged();
    };
    const tell = (word: Word): void => {
      hear(word);
      channel.postMessage(word);
    };
    setLive('live');
    channel.addEventListener('message', ({ data }: MessageEvent<Word>) => hear(data));
    const read = () => follow(source, tell, ended.signal);
    void inTurn(source.name, ended.signal, read);
    return () => {
      ended.abort();
      channel.close();
    };
  }, [source?.name]);
  return source ? live : 'off';
}

/** A page in somebody's frame may be given no locks: then each tab reads for itself. */
async function inTurn(name: string, ended: AbortSignal, read: () => Promise<void>): Promise<void> {
  try {
    await navigator.locks.request(name, { signal: ended }, read);
  } catch {
    if (!ended.aborted) await read();
  }
}

/** Until the page ends, or the API says that whoever asks may not listen. */
async function follow(source: Source, tell: (word: Word) => void, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    try {
      const isAllowed = await readOnce(source, tell, ended);
      if (!isAllowed) {
        tell({ live: 'off' });
        return tell({ changed: 'off' }); // what each tab asks next tells it why
      }
    } catch {
      if (ended.aborted) return;
    }
    tell({ live: 'lost' });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS.least + Math.random() * (AGAIN_MS.most - AGAIN_MS.least)));
  }
}

/** One connection, to its end. False: it will never be open to whoever asks. */
async function readOnce({ url, headers }: Source, tell: (word: Word) => void, ended: AbortSignal): Promise<boolean> {
  const silence = new AbortController();
  const signal = AbortSignal.any([ended, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    const all = { ...headers(), ...(lastId ? { 'last-event-id': lastId } : {}) };
    const response = await fetch(url, { headers: all, credentials: 'same-origin', signal });
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
