import {lowerName} from './organization.ts';
import {collectionAt, type Owner} from './owner.ts';
import type {Remote} from './remote.ts';

interface Feed {
  readonly project: string | undefined;
  /** With its view, if it has one: `tools@Release`. */
  readonly name: string;
}

/** Finds the feed in the address of a package registry. `undefined`: it is not one of a feed. */
export function feedAt({host, path = ''}: Remote, owner: Owner): Feed | undefined {
  if (owner.kind !== 'organization' && owner.kind !== 'server') return undefined;
  const segments = path.split('/');
  const at = segments.findIndex((segment) => lowerName(segment) === '_packaging');
  const name = segments[at + 1];
  if (at === -1 || name === undefined) return undefined;
  const above = segments.slice(0, at);
  const collection =
    owner.kind === 'server' ? collectionAt(owner.host, segments) + 1 : hostSegments(host, above);
  return {project: above[collection], name};
}

export function nameOfFeed({project, name}: Feed): string {
  return project === undefined ? name : `${project}/${name}`;
}

/** Returns how many segments name the organization: none if the host does, but the old host may have its collection. */
function hostSegments(host: string, [first = '']: readonly string[]): number {
  if (!/\.visualstudio\.com(?::443)?$/i.test(host)) return 1;
  return lowerName(first) === 'defaultcollection' ? 1 : 0;
}
