import {printable} from '../text/printable.ts';
import {Secret} from '../secret/secret.ts';
import type {Answer, StoredLogin} from './answer.ts';
import {encodeBase64} from '../text/base64.ts';

/** The first line of every answer. Git ignores it; it shows our scripts that the daemon answered. */
const GREETING = 'orgkey=1\n';

/**
 * Encodes an answer in a buffer of its own. It may hold a secret: the caller overwrites it after sending. It never has
 * `protocol`, `host` or `path`, because git lets an answer overwrite its own request; `url` does so on purpose.
 */
export function render(answer: Answer): Uint8Array {
  switch (answer.kind) {
    case 'pass':
      return text(GREETING, answer.uncovered === undefined ? '' : line('orgkey-uncovered', answer.uncovered));
    case 'done':
      return text(GREETING);
    case 'credential':
      return renderCredential(answer);
    case 'login':
      return renderLogin(answer.login);
    case 'failure':
      return text(
        GREETING,
        ...answer.errors.map((error) => line('orgkey-error', error)),
        ...answer.hints.map((hint) => line('orgkey-hint', hint)),
        answer.quit ? 'quit=1\n' : '',
      );
    case 'grant':
      return text(GREETING, 'decision=grant\n', line('socket', answer.socket));
    case 'deny':
      return text(
        GREETING,
        'decision=deny\n',
        answer.again ? 'retry=1\n' : '',
        line('orgkey-error', answer.reason),
        answer.hint === undefined ? '' : line('orgkey-hint', answer.hint),
      );
    case 'hello':
      return text(
        GREETING,
        line('version', answer.version),
        line('pid', String(answer.pid)),
        line('proof', answer.proof),
      );
  }
}

/** Our helper script looks for it in a `store`. */
const SETTLED = 'orgkey.settled';

function renderCredential({
  token,
  username,
  authtype,
  url,
  state,
  isSettled,
  keepUntil,
}: Extract<Answer, {kind: 'credential'}>): Uint8Array {
  const end = keepUntil ?? token.expiresAt;
  const expiry = `${end === undefined ? '' : expiryLine(end)}${keepUntil === undefined ? '' : line('expires', dateOf(keepUntil))}`;
  const settled = isSettled ? `state[]=${SETTLED}\n` : '';
  const again = state === undefined ? '' : `capability[]=state\nstate[]=${state}\n${settled}continue=1\n`;
  // ephemeral: other helpers must not keep a copy, which could outlive the token in our memory
  const head = `${GREETING}capability[]=authtype\nephemeral=1\n${again}${expiry}`;
  // git drops everything else when it reads a URL, so this comes first
  const start = url === undefined ? GREETING : `${GREETING}url=${url}\n`;
  const {secret} = token;
  if (!authtype) return around(`${start}username=${username}\npassword=`, secret, `\n${expiry}`);
  if (token.kind === 'access-token') return around(`${head}authtype=Bearer\ncredential=`, secret, '\n');
  const pair = around(`${username}:`, secret, '');
  const encoded = new Secret(encodeBase64(pair));
  pair.fill(0);
  const answer = around(`${head}authtype=Basic\ncredential=`, encoded, '\n');
  encoded.erase();
  return answer;
}

function renderLogin(login: StoredLogin): Uint8Array {
  const none = new Uint8Array();
  const field = (key: string, value: Secret | undefined) =>
    value === undefined ? none : around(`${key}=`, value, '\n');
  const parts = [
    text(GREETING),
    login.credential === undefined ? none : text('capability[]=authtype\n'),
    login.username === undefined ? none : text(`username=${login.username}\n`),
    field('password', login.password),
    login.authtype === undefined || login.credential === undefined
      ? none
      : text(`authtype=${login.authtype}\n`),
    field('credential', login.credential),
    login.expiresAt === undefined ? none : text(expiryLine(login.expiresAt)),
    field('oauth_refresh_token', login.refreshToken),
  ];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return whole;
}

/** `expiresAt` is in milliseconds, git reads seconds. */
function expiryLine(expiresAt: number): string {
  return `password_expiry_utc=${Math.floor(expiresAt / 1000)}\n`;
}

/** Returns a time as RFC 3339 has it, in whole seconds. */
function dateOf(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Returns exactly one line, whatever the value contains. */
function line(key: string, value: string): string {
  return `${key}=${printable(value, 1000)}\n`;
}

function text(...parts: string[]): Uint8Array {
  return encoder.encode(parts.join(''));
}

function around(before: string, secret: Secret, after: string): Uint8Array {
  const start = byteLength(before);
  const end = start + secret.length;
  const whole = new Uint8Array(end + byteLength(after));
  encoder.encodeInto(before, whole);
  secret.copyTo(whole, start);
  encoder.encodeInto(after, whole.subarray(end));
  return whole;
}

function byteLength(part: string): number {
  return ASCII.test(part) ? part.length : encoder.encode(part).length;
}

const ASCII = /^[\n\x20-\x7e]*$/;

const encoder = new TextEncoder();
