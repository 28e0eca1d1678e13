import {BlockList, isIP} from 'node:net';
import {OrgkeyError} from '../text/orgkey-error.ts';
import {showAddress} from '../text/show-address.ts';
import {decodeOnce} from '../text/decode-once.ts';
import type {Environment} from '../text/environment.ts';

/** The variables that name proxies, in either case. The lower case wins, as in curl and Node. */

export interface Proxy {
  readonly kind: 'http' | 'https' | 'socks5';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `user:password`, decoded. */
  readonly login: string | undefined;
}

/** The metadata service of Azure's machines is on the machine's own link, where no proxy leads. */
const METADATA_ADDRESS = '169.254.169.254';

export const proxyNames = ['HTTPS_PROXY', 'HTTP_PROXY'] as const;

/** Returns the proxy for a request as `host:port`, for messages. `undefined`: the request goes straight. */
export function proxyFor(url: string, variables: Environment): string | undefined {
  const found = variableFor(url, variables);
  return found && showAddress(found.value, 'server').shown.replace(/^.*:\/\//, '');
}

/**
 * Returns the proxy for a request. `undefined`: the request goes straight.
 * @throws {OrgkeyError} if the variable holds no address of an HTTP proxy.
 */
export function proxyAddress(url: string, variables: Environment): Proxy | undefined {
  const found = variableFor(url, variables);
  const proxy = found && readHttpProxy(found.name, found.value);
  if (proxy instanceof OrgkeyError) throw proxy;
  return proxy;
}

function variableFor(url: string, variables: Environment): Variable | undefined {
  const {protocol, hostname, port} = new URL(url);
  const found = variableOf(variables, protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const target = {
    host: withoutBrackets(hostname),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
  };
  return found === undefined || goesStraight(target, variables) ? undefined : found;
}

/** Adds the scheme that curl does not ask for and Node does: `proxy.example:3128`. */
export function completeAddress(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
}

/** Returns what is wrong with the first variable whose proxy cannot be used. `undefined`: all are usable. */
export function brokenProxyIn(variables: Environment): OrgkeyError | undefined {
  return proxyNames
    .map((name) => variableOf(variables, name))
    .map((found) => found && readHttpProxy(found.name, found.value))
    .find((proxy) => proxy instanceof OrgkeyError);
}

function readHttpProxy(name: string, value: string): Proxy | OrgkeyError {
  const proxy = readProxy(name, value);
  return proxy instanceof OrgkeyError || proxy.kind !== 'socks5' ? proxy : noAddress(name);
}

/** Reads the value of the variable `name`. The error never quotes it: it may hold a password. */
export function readProxy(name: string, value: string): Proxy | OrgkeyError {
  const [, scheme = 'http', login, host = '', port] = ADDRESS.exec(value) ?? [];
  const form = FORMS.get(scheme.toLowerCase());
  if (form === undefined || host === '' || Number(port ?? 0) > 65_535) return noAddress(name);
  const decoded = login === undefined ? undefined : decodeLogin(login);
  if (login !== undefined && decoded === undefined)
    return new OrgkeyError('ERR_PROXY_ADDRESS', `the login in ${name} has a character that must be escaped`, {
      hint: String.raw`Write \ as %5C, # as %23, / as %2F, ? as %3F and % as %25 in ${name} in the environment of the service.`,
    });
  return {
    kind: form.kind,
    host: withoutBrackets(host),
    port: port === undefined ? form.port : Number(port),
    login: decoded,
  };
}

/** Scheme, login, host, port. A login ends at the last `@`, as in curl. */
const ADDRESS =
  /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:(.*)@)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?:\/[^@]*)?$/is;

const FORMS: ReadonlyMap<string, Pick<Proxy, 'kind' | 'port'>> = new Map([
  ['http', {kind: 'http', port: 80}],
  ['https', {kind: 'https', port: 443}],
  ['socks5', {kind: 'socks5', port: 1080}],
  ['socks5h', {kind: 'socks5', port: 1080}],
  ['socks', {kind: 'socks5', port: 1080}],
]);

/** `undefined`: URL parsers would read it differently. */
function decodeLogin(login: string): string | undefined {
  return /[\\#/?\p{Cc}]|%(?![0-9a-f]{2})/iu.test(login) ? undefined : decodeOnce(login);
}

function noAddress(name: string): OrgkeyError {
  return new OrgkeyError('ERR_PROXY_ADDRESS', `${name} is not the address of a proxy`, {
    hint: `Set ${name} to http://proxy:port in the environment of the service.`,
  });
}

/** Returns `NO_PROXY` with the metadata service added. */
export function withoutProxy(list: string | undefined): string {
  const entries = entriesOf(list);
  return entries.includes('*') || entries.includes(METADATA_ADDRESS)
    ? entries.join(',')
    : [...entries, METADATA_ADDRESS].join(',');
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** Returns the variable that counts, if it is not empty: the one in lower case, if that is set at all, as in curl. */
export function variableOf(variables: Environment, name: string): Variable | undefined {
  const spelling = variables[name.toLowerCase()] === undefined ? name : name.toLowerCase();
  const value = variables[spelling];
  return value === undefined || value === '' ? undefined : {name: spelling, value};
}

function entriesOf(list: string | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Whether `NO_PROXY` names the target, of which the host has no brackets. */
export function goesStraight({host, port}: Target, variables: Environment): boolean {
  const target = {host: host.toLowerCase().replace(/\.$/, ''), port};
  return entriesOf(variableOf(variables, 'NO_PROXY')?.value).some((entry) =>
    isExcepted(entry.toLowerCase(), target),
  );
}

/** Takes the forms that curl takes (`*`, a name with its subdomains, an address, a network) and `name:port`. */
function isExcepted(entry: string, {host, port}: Target): boolean {
  if (entry === '*') return true;
  const [name, only = port] = partsOf(entry);
  if (only !== port) return false;
  if (isIP(host) !== 0) return isInNetwork(host, name);
  const suffix = name.replace(/^\*?\./, '').replace(/\.$/, '');
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

/** Without brackets, the last part of an IPv6 address is not a port. */
function partsOf(entry: string): readonly [name: string, port?: number] {
  if (isIP(entry.split('/')[0] ?? '') === 6) return [entry];
  const [, name = '', port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? [];
  return port === undefined ? [name] : [name, Number(port)];
}

/** `network` is written as `10.0.0.0/8`, or is one address. */
function isInNetwork(host: string, network: string): boolean {
  const [address = '', prefix] = network.split('/');
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (family === 0 || family !== isIP(host) || length > longest) return false;
  const block = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  block.addSubnet(address, length, type);
  return block.check(host, type);
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
