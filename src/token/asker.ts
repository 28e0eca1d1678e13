import type {Identity} from '../identity/identity.ts';
import {lowerName} from '../organization/organization.ts';
import type {Owner} from '../organization/owner.ts';
import {describeOwner, type SocketScope} from '../organization/socket-scope.ts';

/**
 * One repository of one organization on one socket. A rejection there says nothing about other repositories, and nothing
 * about other organizations of the same identity.
 */
export interface Asker {
  readonly socket: string;
  readonly scoped: boolean;
  readonly owner: string;
  /** What git asked for, below the organization, in lower case. Empty: the organization itself. */
  readonly path: string;
  /** The key of the identity that acts there. A new identity starts without rejections. */
  readonly identity: string;
}

/** `path` is the path of the request. Azure DevOps ignores letter case in it. */
export function askerOf(
  {owner, path}: {readonly owner: Owner; readonly path: string | undefined},
  scope: SocketScope,
  {key}: Identity,
): Asker {
  const scoped = scope.organizations !== undefined;
  return {
    socket: scope.name,
    scoped,
    owner: describeOwner(owner),
    path: lowerName(path ?? '').replace(/\/+$/, ''),
    identity: key,
  };
}
