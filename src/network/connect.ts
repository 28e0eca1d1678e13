import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import {isIP, type Socket} from 'node:net';
import {connect as connectTls, getCACertificates, type ConnectionOptions, type TLSSocket} from 'node:tls';
import {codeOf, OrgkeyError} from '../text/orgkey-error.ts';
import {proxyAddress, proxyFor, variableOf, type Proxy} from './proxy.ts';
import type {Environment} from '../text/environment.ts';

/**
 * Opens a TLS connection to the server of `url`, straight or through the proxy that the variables name, and waits until
 * it is secure. Node's own proxy support (`new Agent({proxyEnv})`) cannot do this: as long as a proxy does not answer, a
 * request there ignores its signal and `destroy`, and reports neither an error nor its end (seen in 24.21).
 * @throws {OrgkeyError} if the proxy refuses or says nothing.
 * @throws {Error} from Node if proxy or server cannot be reached, or the server's certificate is not trusted.
 */
export async function connect(url: string, variables: Environment, signal: AbortSignal): Promise<TLSSocket> {
  try {
    return await open(url, variables, signal, {});
  } catch (error) {
    const ca = UNTRUSTED.has(codeOf(error) ?? '') ? await moreAuthorities(variables) : undefined;
    if (ca === undefined) throw error;
    return open(url, variables, signal, {ca});
  }
}

async function open(
  url: string,
  variables: Environment,
  signal: AbortSignal,
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const {hostname, port} = new URL(url);
  const host = withoutBrackets(hostname);
  const proxy = proxyAddress(url, variables);
  const way =
    proxy === undefined
      ? {port: Number(port || 443), autoSelectFamilyAttemptTimeout: ATTEMPT}
      : {socket: await openTunnel(proxy, `${hostname}:${port || '443'}`, variables, signal)};
  const socket = connectTls({
    ...options,
    ...way,
    host,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 ? {servername: host} : {}),
  });
  try {
    await once(socket, 'secureConnect', {signal});
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}

/** Of several addresses, the next is tried after this time, in milliseconds. Node's 250 is shorter than some ways. */
const ATTEMPT = 500;

function openTunnel(
  {kind, host, port, login}: Proxy,
  authority: string,
  variables: Environment,
  signal: AbortSignal,
): Promise<Socket> {
  const name = proxyFor(`https://${authority}/`, variables) ?? host;
  const client = kind === 'https' ? https : http;
  return new Promise((resolve, reject) => {
    const refuse = ({statusCode}: http.IncomingMessage) => reject(refused(name, authority, statusCode ?? 0));
    const request = client.request({
      host,
      port,
      method: 'CONNECT',
      path: authority,
      headers: {host: authority, ...loginHeader(login)},
      agent: false,
      signal,
    });
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      refuse(response);
    });
    request.on('response', (response) => {
      response.resume();
      refuse(response);
    });
    request.on('error', (error) => reject(failed(name, authority, {error, isLate: signal.aborted})));
    request.end();
  });
}

/** A login without a password has an empty one. */
function loginHeader(login: string | undefined): Record<string, string> {
  if (login === undefined) return {};
  const whole = login.includes(':') ? login : `${login}:`;
  return {'proxy-authorization': `Basic ${Buffer.from(whole).toString('base64')}`};
}

function refused(proxy: string, authority: string, status: number): OrgkeyError {
  const host = hostIn(authority);
  const wantsLogin = status === 407;
  return new OrgkeyError(
    'ERR_PROXY_REFUSED',
    `the proxy ${proxy} makes no connection to ${host}${wantsLogin ? ', it wants a login' : ''}`,
    {
      hint: wantsLogin
        ? 'Put the login into HTTPS_PROXY in the environment of the service: http://name:password@proxy:port'
        : `Have the proxy allow ${host}, or name it in NO_PROXY.`,
    },
  );
}

function failed(
  proxy: string,
  authority: string,
  {error, isLate}: {readonly error: Error; readonly isLate: boolean},
): OrgkeyError {
  const hint = `Check HTTPS_PROXY in the environment of the service, or name ${hostIn(authority)} in NO_PROXY.`;
  return isLate
    ? new OrgkeyError('ERR_PROXY_SILENT', `the proxy ${proxy} did not answer in time`, {hint, cause: error})
    : new OrgkeyError(
        'ERR_PROXY_UNREACHABLE',
        `the proxy ${proxy} cannot be reached (${codeOf(error) ?? 'UNKNOWN'})`,
        {hint, cause: error},
      );
}

/** Without the default port. */
function hostIn(authority: string): string {
  return authority.replace(/:443$/, '');
}

/** OpenSSL's words for a certificate whose authority is not known. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/**
 * Returns the trusted authorities with those of `SSL_CERT_FILE`, which OpenSSL, curl and git read and Node ignores.
 * `undefined`: it names no readable file. (Node itself reads `NODE_EXTRA_CA_CERTS` when a process starts.)
 */
async function moreAuthorities(variables: Environment): Promise<string[] | undefined> {
  const path = variableOf(variables, 'SSL_CERT_FILE')?.value;
  const text = path === undefined ? undefined : await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : [...getCACertificates(), text];
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
