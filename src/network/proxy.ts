import {BlockList, isIP} from 'node:net';
import {showAddress} from '../text/show-address.ts';

/** The variables that name proxies, in either case. The lower case wins, as in curl and Node. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>;

/** The metadata service of Azure's machines is on the machine's own link, where no proxy leads. */
const METADATA_ADDRESS = '169.254.169.254';

/** The variables that name a proxy. */
export const proxyNames = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/** Returns the proxy for a request as `host:port`, for messages. `undefined`: the request goes straight. */
export function proxyFor(url: string, variables: ProxyVariables): string | undefined {
  const proxy = variableFor(url, variables);
  return proxy && showAddress(proxy, 'server').shown.replace(/^.*:\/\//, '');
}

/**
 * Returns the address of the proxy for a request, with its login. `undefined`: the request goes straight.
 * @throws {TypeError} if the variable holds no address.
 */
export function proxyAddress(url: string, variables: ProxyVariables): URL | undefined {
  const proxy = variableFor(url, variables);
  return proxy === undefined ? undefined : new URL(completeAddress(proxy));
}

function variableFor(url: string, variables: ProxyVariables): string | undefined {
  const {protocol, hostname, port} = new URL(url);
  const proxy = variableOf(variables, protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  if (proxy === undefined || proxy === '') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  const target = {host, port: port || (protocol === 'https:' ? '443' : '80')};
  const exceptions = entriesOf(variableOf(variables, 'no_proxy'));
  return exceptions.some((entry) => isExcepted(entry.toLowerCase(), target)) ? undefined : proxy;
}

/** Adds the scheme that curl does not ask for and Node does: `proxy.example:3128`. */
export function completeAddress(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
}

/** Returns the name of a variable whose proxy Node cannot use. `undefined`: all are usable. */
export function brokenProxyIn(variables: ProxyVariables): string | undefined {
  return proxyNames.find((name) => {
    const address = variables[name];
    if (address === undefined || address === '') return false;
    const {protocol} = URL.parse(completeAddress(address)) ?? {};
    return protocol !== 'http:' && protocol !== 'https:';
  });
}

/** Returns `NO_PROXY` with the metadata service added. */
export function withoutProxy(list: string | undefined): string {
  const entries = entriesOf(list);
  return entries.includes('*') || entries.includes(METADATA_ADDRESS)
    ? entries.join(',')
    : [...entries, METADATA_ADDRESS].join(',');
}

function variableOf(variables: ProxyVariables, name: string): string | undefined {
  return variables[name] ?? variables[name.toUpperCase()];
}

function entriesOf(list: string | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
}

interface Target {
  readonly host: string;
  readonly port: string;
}

/** Takes the forms that curl takes (`*`, a name with its subdomains, an address, a network) and `name:port`. */
function isExcepted(entry: string, {host, port}: Target): boolean {
  if (entry === '*') return true;
  if (isIP(host) !== 0 && entry.includes('/')) return isInNetwork(host, entry);
  if (isIP(entry) === 6) return host === entry;
  const {name = '', wantedPort} =
    /^\[?(?<name>[^[\]]*?)\]?(?::(?<wantedPort>\d+))?$/.exec(entry)?.groups ?? {};
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const suffix = name.replace(/^\*?\./, '');
  return suffix !== '' && (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`)));
}

/** `network` is written as `10.0.0.0/8`. */
function isInNetwork(host: string, network: string): boolean {
  const [address = '', prefix = ''] = network.split('/');
  const family = isIP(address);
  if (family !== isIP(host) || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128))
    return false;
  const block = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  block.addSubnet(address, Number(prefix), type);
  return block.check(host, type);
}
