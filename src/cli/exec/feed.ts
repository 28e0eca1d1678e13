import {addressesOf} from '../../organization/addresses.ts';
import {organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {decodeOnce} from '../../text/decode-once.ts';
import {usageError} from '../command-error.ts';

/** An artifact feed of the organization, or of one of its projects. */
export interface Feed {
  readonly project: string | undefined;
  /** With a view, if one was named: `packages@Local`. */
  readonly name: string;
  /** Lower case, unique among the feeds of one command: what tools call it. */
  readonly title: string;
}

/**
 * Reads `FEED` and `PROJECT/FEED`. Names can also be GUIDs, and percent-encoded, as in an address.
 * @throws {CommandError} if one is invalid.
 */
export function parseFeeds(texts: readonly string[]): readonly Feed[] {
  const feeds: Feed[] = [];
  for (const text of texts) {
    const {project, name} = parseFeed(text);
    const plain = titleOf(name);
    // two projects may have feeds of the same name
    const isTaken = feeds.some(({title}) => title === plain);
    const title = isTaken && project !== undefined ? titleOf(`${project}-${name}`) : plain;
    if (!feeds.some((feed) => feed.title === title)) feeds.push({project, name, title});
  }
  return feeds;
}

function parseFeed(text: string): Pick<Feed, 'project' | 'name'> {
  // no name has a percent sign of its own
  const parts = text.split('/').map(decodeOnce);
  const name = parts.pop();
  const project = parts.pop();
  if (parts.length === 0 && name !== undefined && isName(name) && (!text.includes('/') || isName(project)))
    return {project, name};
  throw usageError(`invalid feed: ${printable(text, 60)}`, 'use FEED or PROJECT/FEED');
}

/** Whether it has none of the characters that Azure DevOps refuses in names, and a letter or a digit. */
function isName(part: string | undefined): boolean {
  return part !== undefined && /^[^\p{Cc}\\/:*?"<>|;#$%{}+=[\]]+$/u.test(part) && /[\p{L}\p{N}]/u.test(part);
}

function titleOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

/**
 * Returns the parent addresses of the feeds of an organization, without a slash at the end; the first one is the usual
 * one. The services have hosts of their own for feeds; a server has them in the collection.
 * @param organization as typed; `HOST/COLLECTION` on a server
 * @throws {CommandError} if the collection of a server is missing.
 * @see https://learn.microsoft.com/azure/devops/artifacts/maven/project-setup-maven
 */
export function feedBases(organization: string, host: string): readonly [string, ...string[]] {
  if (host === SERVICES_HOST) {
    const old = `https://${organizationFrom(organization) ?? organization}.pkgs.visualstudio.com`;
    return [`https://pkgs.${SERVICES_HOST}/${organization}`, old, `${old}/DefaultCollection`];
  }
  const collection = organization.slice(host.length).split('/').filter(Boolean);
  if (collection.length === 0)
    throw usageError(
      `no collection of ${host} is named`,
      `name one, as in: orgkey exec ${host}/DefaultCollection -- npm publish`,
    );
  return [`https://${[host, ...collection.map(encodeURIComponent)].join('/')}`];
}

/** Returns every spelling of the parent addresses, for tools that compare the case of paths. */
export function spelledBases(organization: string, host: string): readonly string[] {
  const bases = feedBases(organization, host);
  if (host !== SERVICES_HOST) return bases;
  const spelled = addressesOf(host, organization).filter((one) => one.startsWith(`https://${host}/`));
  return [...new Set([...bases, ...spelled.map((one) => one.replace('https://', 'https://pkgs.'))])];
}

/** Returns the address of a feed. The sign of a view stays as it is, as Azure DevOps shows it. */
export function feedAddress(base: string, {project, name}: Pick<Feed, 'project' | 'name'>): string {
  const segments = [...(project === undefined ? [] : [project]), '_packaging', name];
  return [base, ...segments.map((one) => encodeURIComponent(one).replaceAll('%40', '@'))].join('/');
}
