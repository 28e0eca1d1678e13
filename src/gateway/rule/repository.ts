import {lowerName, organizationFrom} from '../../organization/organization.ts';
import {collectionAt, ownerOf, SERVICES_HOST, type Owner, type ServersAt} from '../../organization/owner.ts';
import {decodeOnce} from '../../text/decode-once.ts';

export interface Repository {
  /** Who owns it: decides about identity and rule. */
  readonly owner: Extract<Owner, {kind: 'organization' | 'server'}>;
  /** The organization or collection, in lower case. */
  readonly organization: string;
  readonly project: string;
  readonly repository: string;
  /** The host that serves it over HTTPS, with the port if it is not 443. */
  readonly host: string;
  /** The path of the repository there, encoded by us: what was checked is what is sent. No slash at the end. */
  readonly path: string;
}

/** A request's path, cut behind the repository. */
interface Located {
  readonly repository: Repository;
  /** What follows the repository, decoded: `['info', 'refs']`. */
  readonly rest: readonly string[];
}

/** Why a path names no repository. Half a sentence. */
interface NotLocated {
  readonly reason: string;
}

/** In bytes; git's own limit for a URL is about the same. */
const MAX_PATH = 4096;

/**
 * Finds the repository in the path of a request: Azure DevOps Services under both hosts, the paths of SSH remotes, and
 * configured servers. A path that two readers could understand differently is not located.
 * @param host the real host, in lower case, without a default port
 * @param path as it was sent, without its query
 */
export function locateRepository(host: string, path: string, serversAt: ServersAt): Located | NotLocated {
  const segments = decodeSegments(path);
  if (segments === undefined) return {reason: 'the path is ambiguous'};
  if (SSH_HOSTS.has(host)) return locateSshPath(segments);
  const at = markIn(segments, host);
  if (at === -1) return {reason: 'the path has no /_git/'};
  const owner = ownerOf({protocol: 'https', host, path: segments.join('/'), username: undefined}, serversAt);
  if (owner.kind !== 'organization' && owner.kind !== 'server')
    return {reason: 'the host or the organization is not served'};
  const organization = nameOf(owner);
  if (organization === undefined) return {reason: 'the path names no collection'};
  const before = segments.slice(0, at);
  const depth = depthOf(host, owner, before);
  if (depth > before.length) return {reason: 'the path names no collection'};
  const behind = segments.slice(at + 1);
  // Azure DevOps has these for partial views of large repositories; the repository is the same
  const view = ['_full', '_optimized'].includes(behind[0] ?? '') ? behind.slice(0, 1) : [];
  const name = behind[view.length];
  if (name === undefined || name.startsWith('_')) return {reason: 'the path names no repository'};
  const projects = before.slice(depth);
  if (projects.length > 1) return {reason: 'the path has too many parts in front of /_git/'};
  return {
    repository: {
      owner,
      organization,
      project: projects[0] ?? name,
      repository: name,
      host,
      path: encodePath([...before, '_git', ...view, name]),
    },
    rest: behind.slice(view.length + 1),
  };
}

/** Returns where the repository begins. The old SSH address has `_ssh` there, and git rewrites only its beginning. */
function markIn(segments: readonly string[], host: string): number {
  const marks = host.endsWith('.visualstudio.com') ? ['_git', '_ssh'] : ['_git'];
  return segments.findIndex((segment) => marks.includes(lowerName(segment)));
}

/** `v3/ORGANIZATION/PROJECT/REPOSITORY`, which an SSH remote becomes when git rewrites it to HTTP. */
function locateSshPath(segments: readonly string[]): Located | NotLocated {
  const [version, name = '', project, repository, ...rest] = segments;
  const organization = organizationFrom(name);
  if (version !== 'v3' || organization === undefined || project === undefined || repository === undefined)
    return {reason: 'the path is not v3/ORGANIZATION/PROJECT/REPOSITORY'};
  return {
    repository: {
      owner: {kind: 'organization', organization},
      organization,
      project,
      repository,
      host: SERVICES_HOST,
      path: encodePath([organization, project, '_git', repository]),
    },
    rest,
  };
}

function nameOf(owner: Repository['owner']): string | undefined {
  return owner.kind === 'organization' ? owner.organization : owner.collection;
}

/** How many segments name the organization or collection. */
function depthOf(host: string, owner: Repository['owner'], before: readonly string[]): number {
  if (owner.kind === 'server') return collectionAt(owner.host, before) + 1;
  if (host === SERVICES_HOST) return 1;
  // ORGANIZATION.visualstudio.com names the organization, and its path may name the collection that all of them have
  return lowerName(before[0] ?? '') === 'defaultcollection' ? 1 : 0;
}

/**
 * Decodes a path once. `undefined` if a segment is empty, made of dots, or would mean something else to a reader who
 * decodes again or who takes `\` or an encoded `/` for a separator.
 */
function decodeSegments(path: string): string[] | undefined {
  if (!path.startsWith('/') || path.length > MAX_PATH || !/^[\x21-\x7e]*$/.test(path)) return undefined;
  const segments: string[] = [];
  for (const encoded of path.slice(1).split('/')) {
    const segment = decodeOnce(encoded);
    if (segment === undefined || !isPlain(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

function isPlain(segment: string): boolean {
  const isName = segment !== '' && segment !== '.' && segment !== '..';
  return isName && !/[/\\;?#]|%[0-9a-f]{2}|\p{Cc}|\p{Cs}/iu.test(segment);
}

function encodePath(segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

const SSH_HOSTS: ReadonlySet<string> = new Set(['ssh.dev.azure.com', 'vs-ssh.visualstudio.com']);
