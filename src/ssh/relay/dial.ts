import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {connect as connectTcp, type Socket} from 'node:net';
import {Duplex} from 'node:stream';
import {setImmediate as nextTurn} from 'node:timers/promises';
import {connect as connectTls} from 'node:tls';

import {printable} from '../../text/printable.ts';
import type {Proxy, Route} from '../grant/choose-route.ts';
import {readIntoOneBuffer, type OneBufferReader} from './read-into-one-buffer.ts';
import {codeOf} from '../../text/orgkey-error.ts';
import {SshFailure, USE_PROXY} from '../ssh-failure.ts';
import type {Environment} from '../../text/environment.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A byte stream to a host. `reader`: reads it without a new buffer for each chunk, if that is possible. */
export interface Line {
  readonly stream: Duplex;
  readonly reader: OneBufferReader | undefined;
  /** Returns the last line of a proxy command's stderr, safe to print. `''`: it wrote nothing. */
  readonly lastWords?: () => string;
}

/**
 * Opens a byte stream to an ssh host. The signal ends the attempt, or the stream.
 * @throws {SshFailure}
 */
export async function dial(
  destination: Destination,
  route: Route,
  environment: Environment,
  signal: AbortSignal,
): Promise<Line> {
  signal.throwIfAborted();
  switch (route.kind) {
    case 'direct':
      return connected(destination, signal, destination.host);
    case 'command':
      return runCommand(route.command, environment, signal);
    case 'http':
    case 'socks5':
      return throughProxy(destination, route, signal);
  }
}

/** Adds what a proxy command wrote last to a failure. */
export async function withLastWords(failure: SshFailure, {lastWords}: Line): Promise<SshFailure> {
  if (lastWords === undefined) return failure;
  // it wrote them before it ended; the event loop reads them within one whole turn
  for (let turn = 0; turn < 2; turn++) await nextTurn();
  const words = lastWords();
  if (words === '') return failure;
  const {code, message, hints, cause} = failure;
  return new SshFailure(code, message, {hints: [...hints, `ssh.proxyCommand says: ${words}`], cause});
}

async function throughProxy(
  destination: Destination,
  route: Extract<Route, {kind: 'http' | 'socks5'}>,
  signal: AbortSignal,
): Promise<Line> {
  const proxy = `the proxy ${route.host}:${route.port}`;
  const line =
    route.kind === 'http' && route.tls
      ? await secured(route, signal, proxy)
      : await connected(route, signal, proxy);
  try {
    if (route.kind === 'http') await openTunnel(line.stream, destination, route, proxy);
    else await openSocks(line.stream, destination, route, proxy);
    return line;
  } catch (error) {
    line.stream.destroy();
    signal.throwIfAborted();
    throw error instanceof SshFailure
      ? error
      : new SshFailure('ERR_PROXY', `${proxy} ended the connection`, {cause: error});
  }
}

type SocketLine = Line & {readonly stream: Socket};

async function connected(to: Destination, signal: AbortSignal, whom: string): Promise<SocketLine> {
  const reader = readIntoOneBuffer();
  const socket = connectTcp({host: to.host, port: to.port, onread: reader.onread});
  reader.attach(socket);
  return {stream: await opened(socket, 'connect', signal, whom), reader};
}

async function secured(to: Destination, signal: AbortSignal, whom: string): Promise<SocketLine> {
  const socket = connectTls({host: to.host, port: to.port, servername: to.host});
  return {stream: await opened(socket, 'secureConnect', signal, whom), reader: undefined};
}

async function opened(socket: Socket, event: string, signal: AbortSignal, whom: string): Promise<Socket> {
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, {once: true});
  socket.once('close', () => signal.removeEventListener('abort', abort));
  try {
    await once(socket, event, {signal});
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw unreachable(whom, error);
  }
  // otherwise each small packet of the handshake waits until the previous one is acknowledged
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE);
  return socket;
}

/** In milliseconds; the other machine may fail without closing the connection. */
const KEEPALIVE = 30_000;

function unreachable(whom: string, cause: unknown): SshFailure {
  const code = codeOf(cause) ?? 'unknown error';
  const why = reasons.get(code) ?? `cannot be reached (${printable(code, 60)})`;
  return new SshFailure('ERR_UNREACHABLE', `${whom} ${why}`, {cause, hints: [USE_PROXY]});
}

const reasons = new Map([
  ['ECONNREFUSED', 'refuses connections'],
  ['ENOTFOUND', 'is not a known host name'],
  ['EAI_AGAIN', 'cannot be looked up now'],
  ['ETIMEDOUT', 'does not answer'],
  ['EHOSTUNREACH', 'cannot be reached: no route'],
  ['ENETUNREACH', 'cannot be reached: no network'],
  ['ECONNRESET', 'ended the connection'],
]);

/** @see https://www.rfc-editor.org/rfc/rfc9110#name-connect */
async function openTunnel(socket: Socket, to: Destination, {login}: Proxy, proxy: string): Promise<void> {
  const authority = `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`;
  const authorization =
    login === undefined
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(login.revealText()).toString('base64')}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  const head = await readUntil(socket, (bytes) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end === -1 ? undefined : end + 4;
  });
  const status = /^HTTP\/1\.[01] ([0-9]{3})/.exec(head.toString('latin1'))?.[1];
  if (status?.startsWith('2') === true) return;
  throw new SshFailure(
    'ERR_PROXY',
    `${proxy} does not connect to ${authority} (${status ?? 'not an HTTP response'})`,
    {
      hints: [
        status === '407'
          ? 'put the user name and password into the address of the proxy'
          : `allow CONNECT to port ${to.port} in the proxy, or set ssh.proxyCommand`,
      ],
    },
  );
}

/** @see https://www.rfc-editor.org/rfc/rfc1928 @see https://www.rfc-editor.org/rfc/rfc1929 */
async function openSocks(socket: Socket, to: Destination, {login}: Proxy, proxy: string): Promise<void> {
  const method = login === undefined ? 0 : 2;
  socket.write(Buffer.of(5, 1, method));
  const chosen = await readUntil(socket, exactly(2));
  if (chosen[0] !== 5 || chosen[1] !== method)
    throw new SshFailure('ERR_PROXY', `${proxy} does not accept this authentication method`, {
      hints: ['put the user name and password into the address of the proxy, or leave them out'],
    });
  if (login !== undefined) {
    const [user = '', password = ''] = splitOnce(login.revealText());
    socket.write(Buffer.concat([Buffer.of(1), short(user), short(password)]));
    if ((await readUntil(socket, exactly(2)))[1] !== 0)
      throw new SshFailure('ERR_PROXY', `${proxy} rejects the user name or password`);
  }
  const port = Buffer.alloc(2);
  port.writeUInt16BE(to.port);
  // always the name: the proxy looks it up
  socket.write(Buffer.concat([Buffer.of(5, 1, 0, 3), short(to.host), port]));
  const reply = await readUntil(socket, socksReplyEnd);
  if (reply[0] !== 5 || reply[1] !== 0)
    throw new SshFailure(
      'ERR_PROXY',
      `${proxy} does not connect to ${to.host}:${to.port} (SOCKS ${reply[1] ?? '?'})`,
    );
}

/** Returns the length of a reply, which depends on its kind of address. */
function socksReplyEnd(bytes: Buffer): number | undefined {
  const [, , , kind, length = 0] = bytes;
  if (kind === undefined || bytes.length < 5) return undefined;
  const address = kind === 1 ? 4 : kind === 4 ? 16 : length + 1;
  const end = 4 + address + 2;
  return bytes.length < end ? undefined : end;
}

function exactly(length: number): (bytes: Buffer) => number | undefined {
  return (bytes) => (bytes.length < length ? undefined : length);
}

function short(text: string): Buffer {
  const bytes = Buffer.from(text).subarray(0, 255);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function splitOnce(login: string): string[] {
  const colon = login.indexOf(':');
  return colon === -1 ? [login] : [login.slice(0, colon), login.slice(colon + 1)];
}

/** Reads a proxy's answer, and not a byte more: what follows belongs to ssh. */
function readUntil(socket: Socket, end: (bytes: Buffer) => number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let held: Buffer = Buffer.alloc(0);
    const settle = () => socket.pause().off('data', take).off('close', lost).off('error', lost);
    const lost = () => {
      settle();
      reject(new Error('the answer is incomplete'));
    };
    const take = (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const at = end(held);
      if (at === undefined && held.length <= MAX_PROXY_ANSWER) return;
      if (at === undefined) return lost();
      settle();
      if (at < held.length) socket.unshift(held.subarray(at));
      resolve(held.subarray(0, at));
    };
    socket.on('data', take).on('close', lost).on('error', lost).resume();
  });
}

/** In bytes. */
const MAX_PROXY_ANSWER = 16 * 1024;

/** Runs a proxy command in a shell, as OpenSSH does. Its standard streams are the connection, its stderr is for users. */
function runCommand(
  command: string,
  {PATH, HOME, USER, LANG, SSH_AUTH_SOCK}: Environment,
  signal: AbortSignal,
): Line {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
    env: {PATH, HOME, USER, LANG, SSH_AUTH_SOCK},
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const {stdin, stdout, stderr} = child;
  let written = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    written = `${written}${text}`.slice(-MAX_WRITTEN);
  });
  const stream = Duplex.from({readable: stdout, writable: stdin});
  const end = () => {
    child.kill();
    stream.destroy();
  };
  signal.addEventListener('abort', end, {once: true});
  child.once('error', (error) => stream.destroy(error));
  stream.once('close', () => {
    signal.removeEventListener('abort', end);
    child.kill();
  });
  return {stream, reader: undefined, lastWords: () => printable(written.trimEnd().split('\n').at(-1) ?? '')};
}

/** In UTF-16 code units. */
const MAX_WRITTEN = 500;
