import {lowerAscii, lowerName, organizationFrom} from './organization.ts';
import {SERVICES_HOST} from './owner.ts';
import {decodeOnce} from '../text/decode-once.ts';

/** The ssh hosts of Azure DevOps Services; the second is the old one of visualstudio.com. Fact 68. */
export const SERVICES_SSH_HOSTS = ['ssh.dev.azure.com', 'vs-ssh.visualstudio.com'] as const;

/** An ssh remote, exactly as git passes it to ssh. */
export interface SshRemote {
  readonly host: string;
  /** `undefined`: ssh's own default. */
  readonly port: number | undefined;
  /** `undefined`: not in the remote. */
  readonly username: string | undefined;
  readonly path: string;
}

export interface AzureRepository {
  /** The organization, or a server's collection; in lower case. */
  readonly organization: string;
  /** Decoded, in the case that was sent. */
  readonly project: string;
  readonly repository: string;
}

type SshRepository =
  | ({readonly kind: 'repository'} & AzureRepository)
  /** The organization is known, but the rest of the path is not a repository. */
  | {readonly kind: 'malformed'; readonly organization: string; readonly reason: string}
  | {readonly kind: 'unknown'; readonly reason: string};

/** Returns whether a host, in lower case, is an ssh host of Azure DevOps Services. */
export function isServicesSshHost(host: string): boolean {
  return SERVICES_SSH_HOSTS.some((name) => name === host);
}

/**
 * Parses the two forms of ssh remotes as git does: `ssh://user@host:port/path`, where git decodes the path, and
 * `user@host:path`, where it does not.
 * @see https://git-scm.com/docs/git-clone#_git_urls
 */
export function parseSshRemote(text: string): SshRemote | undefined {
  if (/[\u0000-\u001f\u007f]/.test(text)) return undefined;
  const url = /^ssh:\/\/(?:([^@/]*)@)?([^@/:]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(\/.*)$/.exec(text);
  if (url !== null) {
    const [, username, host = '', port, path = ''] = url;
    const decoded = decodeOnce(path);
    if (decoded === undefined) return undefined;
    return {host, port: port === undefined ? undefined : Number(port), username, path: decoded};
  }
  if (text.includes('://')) return undefined;
  const short = /^(?:([^@/:]*)@)?([^@/:]+):(.+)$/.exec(text);
  if (short === null) return undefined;
  const [, username, host = '', path = ''] = short;
  return {host, port: undefined, username, path};
}

/**
 * Finds the repository of a path, in the forms of Azure DevOps over ssh:
 * `v3/{organization}/{project}/{repository}` on Services;
 * `[DefaultCollection/][{project}/]_ssh/{repository}` with the organization as user name, on the old host;
 * `[tfs/]{collection}/[{project}/]_git/{repository}` on servers.
 * @see https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate
 */
export function repositoryAt({host, username, path}: Omit<SshRemote, 'port'>): SshRepository {
  const name = lowerAscii(host);
  const raw = path.replace(/^\//, '').replace(/\/$/, '').split('/');
  if (!isServicesSshHost(name)) return onServer(raw);
  if (raw[0] === 'v3') return onServices(raw, username);
  return name === SERVICES_SSH_HOSTS[1] ? onOldHost(raw, username) : unknown;
}

/** Returns the same repository over HTTPS. `host`: a server's, with its port if it has one. */
export function toHttpsRemote({organization, project, repository}: AzureRepository, host?: string): string {
  const segments = [organization, project, '_git', repository].map((segment) => encodeURIComponent(segment));
  return `https://${host ?? SERVICES_HOST}/${segments.join('/')}`;
}

function onServices(raw: readonly string[], username: string | undefined): SshRepository {
  const organization = organizationFrom(raw[1] ?? '');
  if (organization === undefined) return unknown;
  if (raw.length !== 4)
    return {kind: 'malformed', organization, reason: 'the path is not that of a repository'};
  // the server uses the path; a user name that contradicts it is ambiguous
  if (username !== undefined && username !== 'git' && organizationFrom(username) !== organization)
    return {kind: 'malformed', organization, reason: 'the user name is that of another organization'};
  return named(organization, raw[2], raw[3]);
}

function onOldHost(raw: readonly string[], username: string | undefined): SshRepository {
  const organization = organizationFrom(username ?? '');
  if (organization === undefined || organization === 'git') return unknown;
  const rest = lowerAscii(raw[0] ?? '') === 'defaultcollection' ? raw.slice(1) : raw;
  return belowCollection(organization, rest);
}

function onServer(raw: readonly string[]): SshRepository {
  const [collection, ...rest] = lowerAscii(raw[0] ?? '') === 'tfs' ? raw.slice(1) : raw;
  const decoded = decodeName(collection);
  return decoded === undefined ? unknown : belowCollection(lowerName(decoded), rest);
}

/** Reads `[project/]_git/repository`. A project of the same name may be omitted. */
function belowCollection(organization: string, rest: readonly string[]): SshRepository {
  const marker = rest.findIndex((segment) => segment === '_git' || segment === '_ssh');
  const after = rest.slice(marker + 1).filter((segment) => segment !== '_full' && segment !== '_optimized');
  if (marker === -1 || marker > 1 || after.length !== 1)
    return {kind: 'malformed', organization, reason: 'the path is not that of a repository'};
  return named(organization, marker === 0 ? after[0] : rest[0], after[0]);
}

function named(organization: string, rawProject?: string, rawRepository?: string): SshRepository {
  const project = decodeName(rawProject);
  const repository = decodeName(rawRepository);
  if (project === undefined || repository === undefined)
    return {kind: 'malformed', organization, reason: 'the path has a name that no project or repository has'};
  return {kind: 'repository', organization, project, repository};
}

/** Decodes a name once. `undefined`: a second decoding would change it, or it is not a name. */
function decodeName(raw: string | undefined): string | undefined {
  const name = raw === undefined ? undefined : decodeOnce(raw);
  if (name === undefined || name === '' || name === '.' || name === '..') return undefined;
  return /[\u0000-\u001f\u007f/\\'"]|%[0-9A-Fa-f]{2}/.test(name) ? undefined : name;
}

const unknown: SshRepository = {kind: 'unknown', reason: 'no repository of Azure DevOps'};
