import {Secret} from '../../secret/secret.ts';

/** How we reach an ssh host. */
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
  | {readonly kind: 'unusable'; readonly reason: string};

/**
 * Chooses how to reach an ssh host: by the configured command, else directly if `NO_PROXY` lists the host, else through
 * the first of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` that is set (lower case first, as in curl), else directly.
 */
export function chooseRoute(
  {host, port}: {readonly host: string; readonly port: number},
  proxyCommand: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): RouteChoice {
  if (proxyCommand !== undefined) {
    const command = expandCommand(proxyCommand, host, port);
    return command === undefined
      ? {kind: 'unusable', reason: 'ssh.proxyCommand has a % that is not %h, %p or %%'}
      : {kind: 'route', route: {kind: 'command', command}};
  }
  // an empty variable counts as not set
  const valueOf = (name: string) =>
    [environment[name.toLowerCase()], environment[name]].find((value) => value !== undefined && value !== '');
  if (isExempt(host, port, valueOf('NO_PROXY'))) return DIRECT;
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']) {
    const value = valueOf(name);
    if (value !== undefined) return readProxy(name, value);
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

/** `NO_PROXY`: names, `.domains`, `name:port` or `*`, separated by commas or spaces. A name includes its subdomains. */
function isExempt(host: string, port: number, exceptions = ''): boolean {
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', only] = /^(.*?)(?::([0-9]+))?$/.exec(entry) ?? [];
      if (only !== undefined && Number(only) !== port) return false;
      const domain = name.replace(/^\*?\./, '');
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
    });
}

function readProxy(name: string, value: string): RouteChoice {
  const parts =
    /^(?:([A-Za-z0-9+.-]+):\/\/)?(?:([^@/]*)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\/?$/.exec(
      value,
    );
  const [, scheme = 'http', login, host = '', port] = parts ?? [];
  const defaults = parts === null ? undefined : schemes.get(scheme.toLowerCase());
  if (defaults === undefined) return {kind: 'unusable', reason: `${name} is not the address of a proxy`};
  const proxy = {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined ? defaults.port : Number(port),
    login: login === undefined ? undefined : decodeLogin(login),
  };
  const route: Route =
    defaults.kind === 'socks5' ? {kind: 'socks5', ...proxy} : {kind: 'http', tls: defaults.tls, ...proxy};
  return {kind: 'route', route};
}

function decodeLogin(login: string): Secret {
  try {
    return Secret.fromText(decodeURIComponent(login));
  } catch {
    return Secret.fromText(login);
  }
}

const schemes = new Map<string, {kind: 'http' | 'socks5'; tls: boolean; port: number}>([
  ['http', {kind: 'http', tls: false, port: 80}],
  ['https', {kind: 'http', tls: true, port: 443}],
  ['socks5', {kind: 'socks5', tls: false, port: 1080}],
  ['socks5h', {kind: 'socks5', tls: false, port: 1080}],
  ['socks', {kind: 'socks5', tls: false, port: 1080}],
]);

const DIRECT: RouteChoice = {kind: 'route', route: {kind: 'direct'}};
