import {goesStraight, readProxy, variableOf} from '../../network/proxy.ts';
import {Secret} from '../../secret/secret.ts';
import {OrgkeyError} from '../../text/orgkey-error.ts';
import type {Environment} from '../../text/environment.ts';

export type Route =
  | {readonly kind: 'direct'}
  /** A shell runs it, as OpenSSH's ProxyCommand. Its standard streams lead to the host. */
  | {readonly kind: 'command'; readonly command: string}
  /** A tunnel through an HTTP proxy by CONNECT. `tls`: the proxy itself uses TLS. */
  | ({readonly kind: 'http'; readonly tls: boolean} & Proxy)
  /** RFC 1928. The proxy looks up the name. */
  | ({readonly kind: 'socks5'} & Proxy);

export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** `user:password`, decoded. */
  readonly login: Secret | undefined;
}

export type RouteChoice =
  | {readonly kind: 'route'; readonly route: Route}
  /** The configured way is invalid. `reason` never quotes it: it may hold a password. */
  | {readonly kind: 'unusable'; readonly reason: string; readonly hint?: string | undefined};

/**
 * Chooses how to reach an ssh host: by the configured command, else directly if `NO_PROXY` lists the host, else through
 * the first of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` that is set (lower case first, as in curl), else directly.
 */
export function chooseRoute(
  {host, port}: {readonly host: string; readonly port: number},
  proxyCommand: string | undefined,
  environment: Environment,
): RouteChoice {
  if (proxyCommand !== undefined) {
    const command = expandCommand(proxyCommand, host, port);
    return command === undefined
      ? {kind: 'unusable', reason: 'ssh.proxyCommand has a % that is not %h, %p or %%'}
      : {kind: 'route', route: {kind: 'command', command}};
  }
  if (goesStraight({host, port}, environment)) return DIRECT;
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']) {
    const found = variableOf(environment, name);
    if (found !== undefined) return routeThrough(readProxy(found.name, found.value));
  }
  return DIRECT;
}

/** The rule that names the host has checked `host` and `port`: nothing in them is special in a shell. */
function expandCommand(command: string, host: string, port: number): string | undefined {
  let known = true;
  const expanded = command.replaceAll(/%(.?)/g, (_, token: string) => {
    if (token === 'h') return host;
    if (token === 'p') return String(port);
    if (token !== '%') known = false;
    return '%';
  });
  return known ? expanded : undefined;
}

function routeThrough(proxy: ReturnType<typeof readProxy>): RouteChoice {
  if (proxy instanceof OrgkeyError) return {kind: 'unusable', reason: proxy.message, hint: proxy.hint};
  const {kind, host, port} = proxy;
  const login = proxy.login === undefined ? undefined : Secret.fromText(proxy.login);
  const route: Route =
    kind === 'socks5' ? {kind, host, port, login} : {kind: 'http', tls: kind === 'https', host, port, login};
  return {kind: 'route', route};
}

const DIRECT: RouteChoice = {kind: 'route', route: {kind: 'direct'}};
