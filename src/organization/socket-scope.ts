import type {Owner} from './owner.ts';

/** The name of the socket that serves all organizations. */
export const MAIN_SOCKET = 'git';

/** The process that asked. */
export interface Client {
  /** `undefined`: a user that our namespace does not know. */
  readonly uid: number | undefined;
  /** `undefined`: a process that our namespace does not know. */
  readonly pid: number | undefined;
}

export interface SocketScope {
  /** `MAIN_SOCKET`, or the name of a scoped socket. */
  readonly name: string;
  /** In lower case. `undefined`: all. */
  readonly organizations: ReadonlySet<string> | undefined;
  /** Who asked on it, if the system says so. */
  readonly client?: Client | undefined;
}

/** Returns whose share a request counts against: that of its socket, or of its user on the socket. */
export function shareOf({name, client}: SocketScope): string {
  return client?.uid === undefined ? name : `${name}:${client.uid}`;
}

/** Returns whether a socket serves an owner. A scoped socket does not serve an owner without a name. */
export function isInScope(owner: Owner, {organizations}: SocketScope): boolean {
  if (organizations === undefined) return true;
  const name = nameOf(owner);
  return name !== undefined && organizations.has(name);
}

/** Returns the organization or collection, if the remote names one. */
export function nameOf(owner: Owner): string | undefined {
  if (owner.kind === 'organization') return owner.organization;
  return owner.kind === 'server' ? owner.collection : undefined;
}

/** Describes an owner for users: the organization, or what is known of it. */
export function describeOwner(owner: Owner): string {
  switch (owner.kind) {
    case 'organization':
      return owner.organization;
    case 'server':
      return owner.collection === undefined ? owner.host : `${owner.host}/${owner.collection}`;
    case 'elsewhere':
      return owner.host;
    case 'unnamed':
    case 'unserved':
      return 'an unknown organization';
  }
}
