import type {Owner} from './owner.ts';

/** The name of the socket that serves everybody. */
export const MAIN_SOCKET = 'git';

/** Whom one socket serves. */
export interface SocketScope {
  /** `MAIN_SOCKET`, or the name of a scoped socket. */
  readonly name: string;
  /** In lower case. `undefined`: everybody. */
  readonly organizations: ReadonlySet<string> | undefined;
}

/** A scoped socket serves what it names and nothing else: a remote without a name is not in its scope. */
export function isInScope(owner: Owner, {organizations}: SocketScope): boolean {
  if (organizations === undefined) return true;
  const name = nameOf(owner);
  return name !== undefined && organizations.has(name);
}

/** The organization or collection, if the remote has one. */
export function nameOf(owner: Owner): string | undefined {
  if (owner.kind === 'organization') return owner.organization;
  return owner.kind === 'server' ? owner.collection : undefined;
}

/** For people: the organization, or as much as is known. */
export function describeOwner(owner: Owner): string {
  switch (owner.kind) {
    case 'organization':
      return owner.organization;
    case 'server':
      return owner.collection === undefined ? owner.host : `${owner.host}/${owner.collection}`;
    case 'elsewhere':
      return owner.host;
    case 'unnamed':
    case 'refused':
      return 'an unknown organization';
  }
}
