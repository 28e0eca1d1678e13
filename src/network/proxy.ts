import {showAddress} from '../text/show-address.ts';

/** The variables that tell the way out, in either case; the lower one wins, as in Node. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/** The metadata service of Azure's machines: it is on the machine's own link, no proxy leads there. */
const METADATA_ADDRESS = '169.254.169.254';

/**
 * The proxy that a request takes, as `host:port`, for messages: the connection itself is Node's, which reads the
 * same variables. `undefined`: none.
 */
export function proxyFor(url: string, variables: ProxyVariables): string | undefined {
  const {protocol, hostname, port} = new URL(url);
  const proxy = variableOf(variables, protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (proxy === undefined || proxy === '') return undefined;
  const exceptions = (variableOf(variables, 'no_proxy') ?? '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  const excepted = exceptions.some((entry) =>
    isExcepted(entry.toLowerCase(), hostname, port || standardPort(protocol)),
  );
  return excepted ? undefined : showAddress(proxy, 'server').shown.replace(/^.*:\/\//, '');
}

/** The variables that name a proxy. */
export const proxyNames = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/** `proxy.example:3128` is what curl takes too; Node wants a scheme. */
export function completeAddress(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
}

/** A variable that names a proxy which Node can't use, or ends at; `undefined`: all is well. */
export function brokenProxyIn(variables: ProxyVariables): string | undefined {
  return proxyNames.find((name) => {
    const address = variables[name];
    if (address === undefined || address === '') return false;
    const {protocol} = URL.parse(completeAddress(address)) ?? {};
    return protocol !== 'http:' && protocol !== 'https:';
  });
}

/** `NO_PROXY` with the metadata service in it. */
export function withoutProxy(list: string | undefined): string {
  const entries = (list ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.includes('*') || entries.includes(METADATA_ADDRESS)
    ? entries.join(',')
    : [...entries, METADATA_ADDRESS].join(',');
}

function variableOf(variables: ProxyVariables, name: string): string | undefined {
  return variables[name] ?? variables[name.toUpperCase()];
}

function standardPort(protocol: string): string {
  return protocol === 'https:' ? '443' : '80';
}

function isExcepted(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  const [name = '', wantedPort] = entry.split(':');
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const suffix = name.replace(/^\*?\./, '');
  return hostname === suffix || hostname.endsWith(`.${suffix}`);
}
