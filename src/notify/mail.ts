/** Bringing a mail to its server, or, where there is none, to a file. */
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport, type SendMailOptions } from 'nodemailer';
import MailComposer from 'nodemailer/lib/mail-composer';

export interface Mail {
  /** The notification's: the Message-ID is made of it, and is the same on every try. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly writtenAt: Date;
}

/** `refused`: no later try could change it. */
export type MailResult =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'failed'; readonly error: string }
  | { readonly outcome: 'refused'; readonly error: string };

export interface Mailer {
  /** Where mail goes, for whoever starts a worker. */
  readonly destination: string;
  /** Once. Whatever the server does is a result. */
  send(mail: Mail, signal: AbortSignal): Promise<MailResult>;
}

export interface MailSettings {
  /** `smtp://user:password@host:port`, or `smtps://`. Undefined: mail is kept as files. */
  readonly smtpUrl: string | undefined;
  readonly from: string;
  /** Where mail is kept without a server. */
  readonly directory: string;
}

export function createMailer({ smtpUrl, from, directory }: MailSettings): Mailer {
  return smtpUrl === undefined ? mailToFiles(directory, from) : mailBySmtp(smtpUrl, from);
}

/** TCP, then TLS: a server that is up answers either within one. */
const CONNECT_MS = 10_000;

/** Some servers greet late on purpose, to be rid of senders in a hurry. */
const GREETING_MS = 30_000;

/**
 * Without a word from the server. After the message's end many look for spam before they answer; whoever goes sooner
 * makes a mail that was taken look lost, and sends it twice (RFC 5321, 4.5.3.2.6, asks for minutes).
 */
const SILENCE_MS = 4 * 60_000;

function mailBySmtp(smtpUrl: string, from: string): Mailer {
  const { host, hostname } = new URL(smtpUrl);
  // A connection for each mail: a kept one may die just as it is used again, and then nobody knows whether the mail was taken.
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    socketTimeout: SILENCE_MS,
    // A server on this machine has a certificate that nobody signed, and there is nobody in between.
    ...(isLoopback(hostname) ? { tls: { rejectUnauthorized: false } } : {}),
    ...NO_OUTSIDE_CONTENT,
  });
  return {
    destination: `the SMTP server ${host}`,
    async send(mail, signal) {
      try {
        await transport.sendMail({ ...messageOf(mail, from), signal });
        return { outcome: 'sent' };
      } catch (error) {
        if (signal.aborted) throw error;
        return { outcome: isRefused(error) ? 'refused' : 'failed', error: sentenceOf(error) };
      }
    },
  };
}

/** For a try-out, and for installations whose operators have not said yet where mail goes. */
function mailToFiles(directory: string, from: string): Mailer {
  return {
    destination: `files in ${directory}, because SMTP_URL is not set`,
    async send(mail) {
      try {
        const message = await new MailComposer({ ...messageOf(mail, from), ...NO_OUTSIDE_CONTENT }).compile().build();
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await writeWhole(join(directory, `${mail.id}.eml`), message);
        return { outcome: 'sent' };
      } catch (error) {
        return { outcome: 'failed', error: sentenceOf(error) };
      }
    },
  };
}

/** Texts are ours, but parts of them come from outside: nothing in them may make the library read a file or a URL. */
const NO_OUTSIDE_CONTENT = { disableFileAccess: true, disableUrlAccess: true } as const;

/** The same bytes on every try. */
function messageOf({ id, to, subject, text, writtenAt }: Mail, from: string): SendMailOptions {
  return {
    from,
    to: { name: '', address: to }, // not parsed: an address with a comma in it stays one
    subject,
    text,
    date: writtenAt,
    messageId: `<${id}@oncepay>`,
    headers: { 'Auto-Submitted': 'auto-generated' }, // no holiday replies (RFC 3834)
  };
}

const isLoopback = (hostname: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

/** The server does not want this recipient or this message, today or tomorrow. What it says of us, such as a wrong password, can be mended. */
function isRefused(error: unknown): boolean {
  const { permanent, command } = Object(error) as { permanent?: unknown; command?: unknown };
  return permanent === true && (command === 'RCPT TO' || command === 'DATA');
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whole or not at all, also after a power cut; written again it is the same file. */
async function writeWhole(file: string, bytes: Buffer): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}
