import type {Owner} from '../organization/owner.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import type {Login} from '../protocol/request.ts';

/** Logins that users typed at git's prompt. Each place is made by `placeOf`. */
export interface Logins {
  /** `undefined`: no login matches. */
  find(place: Remote): StoredLogin | undefined;
  /** Returns what was done, for the log, once a persisted login is on the disk. */
  store(place: Remote, login: Login, kept: {readonly persist: boolean}): Promise<string>;
  /** Returns what was done, for the log, once it is removed from the disk too. */
  erase(place: Remote, login: Login): Promise<string>;
}

/**
 * Returns the place that a login is for. With Azure DevOps it is the whole organization or collection, whichever of its
 * hosts and repositories git asked for. Elsewhere it is exactly what git asked for.
 */
export function placeOf(remote: Remote, owner: Owner): Remote {
  switch (owner.kind) {
    case 'organization':
      return {...remote, host: SERVICES_HOST, path: owner.organization};
    // a place of its own, so that a missing part never matches more
    case 'unnamed':
      return {...remote, host: SERVICES_HOST, path: ''};
    case 'server':
      return {...remote, host: owner.host, path: owner.collection ?? ''};
    case 'elsewhere':
    case 'unserved':
      return remote;
  }
}
