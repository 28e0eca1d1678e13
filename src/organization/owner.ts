import {lowerAscii, lowerName, organizationFrom, type Organization} from './organization.ts';
import type {Remote} from './remote.ts';

export type Owner =
  /** Azure DevOps Services, the organization is known. */
  | {readonly kind: 'organization'; readonly organization: Organization}
  /** Azure DevOps Services, but the remote does not name the organization. */
  | {readonly kind: 'unnamed'; readonly reason: string}
  /**
   * A configured Azure DevOps Server. `host`: its host in lower case, and its virtual directory as it is configured:
   * `server.example.org/devops`. `collection`: in lower case; `undefined`: the remote does not name it.
   */
  | {readonly kind: 'server'; readonly host: string; readonly collection: string | undefined}
  /** A valid HTTPS remote on another host. */
  | {readonly kind: 'elsewhere'; readonly host: string}
  /** No credential may be handed out for it. */
  | {readonly kind: 'unserved'; readonly reason: string};

/** The host of Azure DevOps Services in the configuration. */
export const SERVICES_HOST = 'dev.azure.com';

interface OrganizationOnHost {
  readonly host: string;
  readonly organization: string | undefined;
}

/** Returns the name of an organization for people: `contoso`, `tfs.example.org/collection`; of a fallback, the host. */
export function shownName({host, organization}: OrganizationOnHost): string {
  if (organization === undefined) return host;
  return host === SERVICES_HOST ? organization : `${host}/${organization}`;
}

/**
 * Returns the configured servers of a host in lower case, one for each virtual directory: `server.example.org`,
 * `server.example.org/devops`.
 */
export type ServersAt = (host: string) => readonly string[];

/** The hosts of Azure DevOps Services that are meant: those of git and feeds, or those of its REST interface too. */
type ServicesHosts = 'of git' | 'all';

/** Finds the owner of a remote. Facts 57 and 60. */
export function ownerOf(remote: Remote, serversAt: ServersAt, hosts: ServicesHosts = 'of git'): Owner {
  if (remote.protocol !== 'https') return unserved('only https is answered');
  const host = lowerAscii(remote.host);
  if (!HOST.test(host)) return unserved('the host is not a host name');
  const name = host.endsWith(':443') ? host.slice(0, -':443'.length) : host;

  const known = name.replace(hosts === 'all' ? SERVICE : FEEDS, '.');
  if (known === `.${SERVICES_HOST}` || name === SERVICES_HOST) return servicesOwner(remote);
  const label = /^([^.:]+)\.visualstudio\.com$/.exec(known)?.[1];
  if (label !== undefined && label !== 'vs-ssh' && label !== 'pkgs') return labelOwner(label, remote);
  // fact 59
  // other hosts below these domains get no credential, whatever is configured for them
  if (isUnder(SERVICES_HOST, name) || isUnder('visualstudio.com', name))
    return unserved('no host of Azure DevOps that serves git or feeds');
  const servers = serversAt(name);
  return servers.length === 0 ? {kind: 'elsewhere', host: name} : serverOwner(name, remote, servers);
}

function servicesOwner({path, username}: Remote): Owner {
  if (path !== undefined) {
    const segments = segmentsOf(path);
    if (segments === undefined) return unserved('the path has an empty segment or dots for one');
    const organization = organizationFrom(segments[0] ?? '');
    return organization === undefined
      ? unserved('the path does not begin with the name of an organization')
      : {kind: 'organization', organization};
  }
  // fact 58
  if (username !== undefined) {
    const organization = organizationFrom(username);
    if (organization !== undefined) return {kind: 'organization', organization};
  }
  return {
    kind: 'unnamed',
    reason: 'git sent no path: set credential.https://dev.azure.com.useHttpPath to true',
  };
}

function labelOwner(label: string, {path}: Remote): Owner {
  const organization = organizationFrom(label);
  if (organization === undefined) return unserved('the host does not begin with the name of an organization');
  if (path !== undefined && segmentsOf(path) === undefined)
    return unserved('the path has an empty segment or dots for one');
  return {kind: 'organization', organization};
}

function serverOwner(host: string, {path}: Remote, servers: readonly string[]): Owner {
  if (path === undefined) {
    const [only = host, ...others] = servers;
    return {kind: 'server', host: others.length === 0 ? only : host, collection: undefined};
  }
  const segments = segmentsOf(path);
  if (segments === undefined) return unserved('the path has an empty segment or dots for one');
  const server = servers
    .filter((one) => isBelow(segments, directoriesOf(one)))
    .toSorted((one, other) => other.length - one.length)[0];
  if (server === undefined) return {kind: 'elsewhere', host};
  const name = segments[collectionAt(server, segments)];
  const collection = name === undefined ? undefined : lowerName(name);
  // some readers end a path at these characters, or decode them again
  if (collection !== undefined && /[\\?#%]|\p{Cc}/u.test(collection))
    return unserved('the path does not begin with the name of a collection');
  return {kind: 'server', host: server, collection};
}

/** Returns which segment of a path names the collection. Without a virtual directory, it may be below `tfs`. */
export function collectionAt(server: string, segments: readonly string[]): number {
  const {length} = directoriesOf(server);
  return length === 0 && lowerName(segments[0] ?? '') === 'tfs' ? 1 : length;
}

/** Returns the virtual directory that the depth of a repository's path shows. Empty: none but `tfs`. */
export function directoryIn(path: string): string {
  const segments = path.split('/');
  const marker = segments.findIndex((segment) => lowerName(segment) === '_git');
  const directory = segments.slice(0, Math.max(0, marker - 2)).join('/');
  return lowerName(directory) === 'tfs' ? '' : directory;
}

/** Returns the host of a server, with the port, without a virtual directory. */
export function hostnameOf(server: string): string {
  return server.replace(/\/.*$/s, '');
}

function directoriesOf(server: string): string[] {
  return server.split('/').slice(1).map(lowerName);
}

function isBelow(segments: readonly string[], directories: readonly string[]): boolean {
  return directories.every((directory, at) => lowerName(segments[at] ?? '') === directory);
}

/** Returns `undefined` if a segment is empty or made of dots: readers understand such a path differently. */
function segmentsOf(path: string): string[] | undefined {
  const segments = path.split('/');
  // git drops slashes at the end of a URL, other clients may not
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? undefined
    : segments;
}

/** Ignores the port, and a dot at the end, with which a name is still the same host. */
function isUnder(domain: string, host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '').replace(/\.$/, '');
  return name === domain || name.endsWith(`.${domain}`);
}

function unserved(reason: string): Owner {
  return {kind: 'unserved', reason};
}

/** The label of the feeds, in front of the old and the new domain. */
const FEEDS = /(?:^|\.)pkgs\.(?=dev\.azure\.com$|visualstudio\.com$)/;

/** The labels of all parts with hosts of their own: `vssps.dev.azure.com`, `contoso.vssps.visualstudio.com`. */
const SERVICE =
  /(?:^|\.)(?:pkgs|almsearch|analytics|auditservice|extmgmt|feeds|vsaex|vsrm|vssps)\.(?=dev\.azure\.com$|visualstudio\.com$)/;

/** Labels or an IPv6 address, then a port; in lower case. */
const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::[1-9][0-9]{0,4})?$/;
