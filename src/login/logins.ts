import type {Owner} from '../organization/owner.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import type {Login} from '../protocol/request.ts';

/** What people typed at git's prompt, kept and served as git's own cache does. Everything is by `placeOf`. */
export interface Logins {
  /** `undefined`: nothing fits. */
  find(place: Remote): StoredLogin | undefined;
  /** Says what was done, for the log, once the disk has what is to outlive us. */
  store(place: Remote, login: Login, kept: {readonly persist: boolean}): Promise<string>;
  /** Says what was done, for the log, once it is gone from the disk as well. */
  erase(place: Remote, login: Login): Promise<string>;
}

/**
 * What a login is good for: with Azure DevOps the whole organization or collection, whichever of its hosts and
 * repositories git asked for; elsewhere what git asked for, and nothing is folded.
 */
export function placeOf(remote: Remote, owner: Owner): Remote {
  switch (owner.kind) {
    case 'organization':
      return {...remote, host: SERVICES_HOST, path: owner.organization};
    // a place of its own: a missing part never widens what is handed out
    case 'unnamed':
      return {...remote, host: SERVICES_HOST, path: ''};
    case 'server':
      return {...remote, host: owner.host, path: owner.collection ?? ''};
    case 'elsewhere':
    case 'refused':
      return remote;
  }
}
