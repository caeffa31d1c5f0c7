/** Signing in to the codec endpoint from a browser: a small form without scripts, which a user of the Temporal UI opens once a day. */
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiContext } from '../../http/context.ts';
import type { Intake } from '../../http/plugins/intake.ts';
import { adminOfKey, endedCookie, sessionCookie, signedInAs } from './codecAccess.ts';
import { issueSession } from './codecSession.ts';

const loginForm = z.object({ key: z.string().max(200).optional() });

const FORM: Intake = {
  types: ['application/x-www-form-urlencoded'],
  limitBytes: 4 * 1024, // one key
  timeoutMs: 10_000, // a browser sends it with the head
  parse: (whole) => Object.fromEntries(new URLSearchParams(whole.toString())),
};

export function codecLoginRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const places: Places = {
    ui: context.config.temporalUiUrl,
    endpoint: `${context.config.publicUrl.replace(/\/+$/, '')}/codec`,
  };
  const ownName = new URL(places.endpoint).hostname;

  return async (app) => {
    app.get('/login', { schema: { hide: true } }, async (request, reply) => {
      const admin = await signedInAs(context, request);
      return send(reply, 200, admin ? signedIn(admin.name, places) : form(request.hostname === ownName ? '' : otherName(places)));
    });

    app.post('/login', { config: { intake: FORM }, schema: { hide: true, body: loginForm } }, async (request, reply) => {
      const admin = await adminOfKey(context, request.body.key?.trim() ?? '');
      if (!admin) await request.server.rateLimits.address(request);
      if (!admin) return send(reply, 401, form('<p role="alert"><strong>This is not the key of an active admin.</strong></p>'));
      reply.header('set-cookie', sessionCookie(context, issueSession(context.keys, admin.keyId, new Date())));
      return reply.redirect('/codec/login', 303);
    });

    app.post('/logout', { config: { intake: FORM }, schema: { hide: true } }, async (_request, reply) => {
      reply.header('set-cookie', endedCookie(context));
      return reply.redirect('/codec/login', 303);
    });
  };
}

/** No script, no outside file, in nobody's frame; the form goes to us alone. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

function send(reply: FastifyReply, status: number, html: string): FastifyReply {
  reply.headers({ 'content-security-policy': POLICY, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  return reply.code(status).type('text/html; charset=utf-8').send(html);
}

interface Places {
  readonly ui: string;
  readonly endpoint: string;
}

/** @param note above the form, as HTML */
function form(note = ''): string {
  return page(`
    <p>What workflows carry is encrypted. Sign in, and the Temporal UI shows it in this browser.</p>
    ${note}
    <form method="post" action="/codec/login">
      <label>Admin key <input name="key" type="password" autocomplete="off" required autofocus placeholder="ak_…"></label>
      <button>Sign in</button>
    </form>`);
}

/** The browser keeps our cookie for the name in its address bar, and the UI asks under the name in the settings. */
function otherName({ endpoint }: Places): string {
  const login = escaped(`${endpoint}/login`);
  return `<p role="alert">The Temporal UI asks under another name than this page has: sign in at <a href="${login}">${login}</a>.</p>`;
}

function signedIn(name: string, { ui, endpoint }: Places): string {
  return page(`
    <p>Signed in as <strong>${escaped(name)}</strong>, for twelve hours at most.</p>
    <p>Once in each browser, let the Temporal UI send this along:</p>
    <ol>
      <li>Open it at <a href="${escaped(ui)}">${escaped(ui)}</a>; under another name it cannot ask.</li>
      <li>Press the glasses at the top right.</li>
      <li>Choose <em>Use my browser setting and ignore Cluster-level setting</em>.</li>
      <li>Paste this endpoint: <code>${escaped(endpoint)}</code></li>
      <li>Switch on <em>Include cross-origin credentials</em>, and press <em>Apply</em>.</li>
    </ol>
    <p>Red glasses and “Codec Server could not connect” mean that one of these is missing, or that you are signed out.
    Where the UI runs with <code>TEMPORAL_CODEC_INCLUDE_CREDENTIALS=true</code>, signing in is all.</p>
    <form method="post" action="/codec/logout"><button>Sign out</button></form>`);
}

function page(content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>oncepay codec</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}input,button{font:inherit;padding:.3rem .6rem}</style>
</head><body><h1>oncepay: readable payloads</h1>${content}</body></html>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
