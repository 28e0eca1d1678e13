import {collectionFrom} from '../../config/value/collection-name.ts';
import {readHost} from '../../config/value/read-host.ts';
import {organizationFrom} from '../../organization/organization.ts';
import {collectionAt, directoryIn, ownerOf, SERVICES_HOST, shownName} from '../../organization/owner.ts';
import type {Remote} from '../../organization/remote.ts';
import {parseSshRemote, repositoryAt, toHttpsRemote} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {showAddress} from '../../text/show-address.ts';
import {parseGitUrl} from '../../organization/git-url.ts';
import {usageError} from '../command-error.ts';

/** An organization, or a collection of a server, that the user names. */
export interface NamedOrganization {
  /** In lower case, with the virtual directory of a server as it was written. */
  readonly host: string;
  /** As it was written. */
  readonly organization: string;
}

/**
 * Reads `contoso`, `tfs.example.com/collection`, or any URL of it or of its repositories. `host` is that of a plain
 * name. @throws {CommandError} if it names no organization.
 */
export function readOrganization(word: string, host?: string): NamedOrganization {
  const typed = word.trim();
  const named =
    typed.includes('/') || parseSshRemote(typed) !== undefined ? ofUrl(typed) : ofName(typed, host);
  if (named !== undefined) return named;
  throw usageError(
    `invalid organization name: ${printable(showAddress(word, 'remote').shown, 60)}`,
    'use up to 50 letters, digits and hyphens, or the URL of the organization',
  );
}

/** Returns what the daemon understands: names as they were typed, and the names that URLs hold. */
export function nameTyped(word: string): string {
  return /:\/\/|@/.test(word) ? shownName(readOrganization(word)) : word.trim();
}

/** Returns the page where a user creates personal access tokens. Fact 53. */
export function tokenPageOf({host, organization}: NamedOrganization): string {
  return `https://${host}/${encodeURIComponent(organization)}/_usersSettings/tokens`;
}

function ofName(name: string, host: string | undefined): NamedOrganization | undefined {
  const read = readHost(host);
  switch (read.kind) {
    case 'services':
    case 'organization':
      return organizationFrom(name) === undefined ? undefined : {host: SERVICES_HOST, organization: name};
    case 'server':
      return collectionFrom(name) === undefined ? undefined : {host: read.host, organization: name};
    case 'any':
    case 'invalid':
      throw usageError(
        `--host must be the name of a host: ${printable(host ?? '', 60)}`,
        'write it as in dev.azure.com or server.example.org:8443',
      );
  }
}

function ofUrl(text: string): NamedOrganization | undefined {
  const remote = remoteOf(text);
  const owner = remote && ownerOf({...remote, protocol: 'https'}, (host) => serversIn(text, host, remote));
  const segments = remote?.path?.split('/') ?? [];
  if (owner?.kind === 'organization') {
    // the name as it was written, if the path holds it
    const written = segments.find((segment) => organizationFrom(segment) === owner.organization);
    return {host: SERVICES_HOST, organization: written ?? owner.organization};
  }
  if (owner?.kind !== 'server' || owner.collection === undefined) return undefined;
  return {
    host: owner.host,
    organization: segments[collectionAt(owner.host, segments)] ?? owner.collection,
  };
}

/**
 * Returns the server that an address means, with its virtual directory. A repository shows it by its depth; of
 * `server.example.org/devops/main`, a name without `https://`, the last part is the collection.
 */
function serversIn(text: string, host: string, {path = ''}: Remote): string[] {
  const isName = !text.includes('://') && !/(?:^|\/)_git(?:\/|$)/i.test(path);
  // the depth of a repository in this collection
  const directory = directoryIn(isName ? `${path}/project/_git` : path);
  return [directory === '' ? host : `${host}/${directory}`];
}

/** A name in front of the first slash is a host only if it has a dot or a port. */
function remoteOf(text: string): Remote | undefined {
  const ssh = parseSshRemote(text);
  const repository = ssh && repositoryAt(ssh);
  const url = repository?.kind === 'repository' ? toHttpsRemote(repository) : text;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return parseGitUrl(url);
  return /^[^/]*[.:][^/]*\//.test(url) ? parseGitUrl(`https://${url}`) : undefined;
}
