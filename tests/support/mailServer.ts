/** A mail server: a real one, that keeps what it took and refuses what the test says. */
import { SMTPServer } from 'smtp-server';

export interface TakenMail {
  readonly to: readonly string[];
  readonly headers: ReadonlyMap<string, string>;
  /** Decoded. */
  readonly text: string;
  /** As it came over the wire. */
  readonly raw: string;
}

/** At which step it says no, and with which code. */
export interface MailRefusal {
  readonly at: 'rcpt' | 'data';
  readonly code: number;
}

export interface MailServer {
  readonly port: number;
  readonly url: string;
  readonly taken: TakenMail[];
  /** From now on; undefined: takes everything. */
  refusal: MailRefusal | undefined;
  /** Holds back its word that a mail was taken until this resolves. */
  hold: Promise<void> | undefined;
  close(): Promise<void>;
}

/** @param port of a server that was there before: 0 for any. */
export async function startMailServer(port = 0): Promise<MailServer> {
  const state: Pick<MailServer, 'refusal' | 'hold'> = { refusal: undefined, hold: undefined };
  const taken: TakenMail[] = [];
  const refusalAt = (step: MailRefusal['at']) =>
    state.refusal?.at === step ? Object.assign(new Error('not here'), { responseCode: state.refusal.code }) : null;
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onRcptTo: (_address, _session, callback) => callback(refusalAt('rcpt')),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const refused = refusalAt('data');
        if (refused) return callback(refused);
        const to = session.envelope.rcptTo.map(({ address }) => address);
        taken.push(readMail(Buffer.concat(chunks).toString('utf8'), to));
        void (state.hold ?? Promise.resolve()).then(() => callback(null, 'taken'));
      });
    },
  });
  server.on('error', () => undefined); // a client that is killed cuts its connection
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return Object.assign(state, {
    port: address.port,
    url: `smtp://127.0.0.1:${address.port}`,
    taken,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

/** Plain text in one part, which is all that we send. */
export function readMail(raw: string, to: readonly string[] = []): TakenMail {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), decodeWords(line.slice(line.indexOf(':') + 1).trim())]),
  );
  const body = raw.slice(end + 4);
  const text = decodeBody(body, headers.get('content-transfer-encoding') ?? '7bit').replaceAll('\r\n', '\n');
  return { to, headers, text, raw };
}

function decodeBody(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? fromQuoted(body.replace(/=\r\n/g, '')) : body;
}

const fromQuoted = (text: string): string =>
  Buffer.from(
    text.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

/** RFC 2047: `=?UTF-8?Q?…?=` and `=?UTF-8?B?…?=`. */
const decodeWords = (text: string): string =>
  text.replace(/=\?UTF-8\?([QB])\?([^?]*)\?=(?:\s+(?==\?))?/g, (_, kind: string, word: string) =>
    kind === 'B' ? Buffer.from(word, 'base64').toString('utf8') : fromQuoted(word.replaceAll('_', ' ')),
  );
