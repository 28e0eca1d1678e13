import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import type {Login} from '../protocol/request.ts';

/** What people typed at git's prompt, kept and served as git's own cache does. */
export interface Logins {
  /** `undefined`: nothing fits. */
  find(remote: Remote): StoredLogin | undefined;
  /** Says what was done, for the log. */
  store(remote: Remote, login: Login, kept: {readonly persist: boolean}): string;
  /** Says what was done, for the log. */
  erase(remote: Remote, login: Login): string;
}
