import {lowerName} from '../../organization/organization.ts';
import type {Repository} from './repository.ts';

export interface Rule {
  readonly repositories: readonly RepositoryPattern[];
  /** Patterns of refs that may be created and updated. None: fetch only. */
  readonly push: readonly string[];
  /** Whether such refs may be deleted. */
  readonly deletions: boolean;
  /** Whether Git LFS is carried. */
  readonly lfs: boolean;
}

/**
 * `ORGANIZATION/PROJECT/REPOSITORY`, or `HOST/COLLECTION/PROJECT/REPOSITORY` for a server, whose host may have a virtual
 * directory; `*` in a part stands for any characters.
 */
interface RepositoryPattern {
  /** With the virtual directory, in lower case. `undefined`: Azure DevOps Services. */
  readonly host: string | undefined;
  readonly organization: string;
  readonly project: string;
  readonly repository: string;
}

/** Returns `undefined` if the text is not a pattern. */
export function parseRepositoryPattern(text: string): RepositoryPattern | undefined {
  const parts = text.split('/').map(lowerName);
  if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\?#%\p{Cc}]/u.test(part)))
    return undefined;
  const host = parts.length > 3 ? parts.splice(0, parts.length - 3).join('/') : undefined;
  const [organization, project, repository] = parts;
  if (organization === undefined || project === undefined || repository === undefined) return undefined;
  if (host !== undefined && (host.includes('*') || !/^[^/]*[.:]/.test(host))) return undefined;
  return {host, organization, project, repository};
}

/** Returns a pattern as the configuration has it, in lower case. */
export function describePattern({host, organization, project, repository}: RepositoryPattern): string {
  return [...(host === undefined ? [] : [host]), organization, project, repository].join('/');
}

/** Returns whether the rule names the repository. Letter case does not count, as on the server. */
export function allowsRepository({repositories}: Rule, repository: Repository): boolean {
  const host = repository.owner.kind === 'server' ? lowerName(repository.owner.host) : undefined;
  return repositories.some(
    (pattern) =>
      pattern.host === host &&
      matches(pattern.organization, repository.organization) &&
      matches(pattern.project, repository.project) &&
      matches(pattern.repository, repository.repository),
  );
}

/** Returns whether the rule names repositories of an organization of Azure DevOps Services, in lower case. */
export function reachesOrganization({repositories}: Rule, organization: string): boolean {
  return repositories.some(
    (pattern) => pattern.host === undefined && matches(pattern.organization, organization),
  );
}

/** Returns whether a ref may be created or updated. Refs are compared byte by byte; `*` stands for any characters, `/` too. */
export function allowsRef({push}: Rule, ref: string): boolean {
  return push.some((pattern) => glob(pattern, ref));
}

function matches(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  // the server takes an id for a name: only the id itself, or "any", says that it is meant
  return GUID.test(name) ? pattern === name.toLowerCase() : glob(pattern, lowerName(name));
}

/** Compares without regular expressions: their time would depend on the pattern. */
function glob(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  if (others.length === 0) return first === text;
  const last = others.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
