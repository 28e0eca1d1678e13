import {existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {MAIN_SOCKET, type SocketScope} from '../../organization/socket-scope.ts';
import type {SocketPlace} from '../../ssh/grant/single-use-socket.ts';
import {claimPassage} from '../claim.ts';
import type {GitSocket} from './git-socket.ts';

const SETGID = 0o2000;

/** A directory that the unit of the machine's main socket creates below the runtime directory. */
const SHARED_GRANTS = 'grants';

/** Knows where the single-use socket of a grant goes: next to the socket on which it was requested. */
export class GrantPlaces {
  readonly #runtimeDirectory: string;
  readonly #scoped = new Map<string, GitSocket>();

  constructor(runtimeDirectory: string) {
    this.#runtimeDirectory = runtimeDirectory;
  }

  /** Notes that a scoped socket serves. */
  add(name: string, socket: GitSocket): void {
    this.#scoped.set(name, socket);
  }

  /** Notes that a scoped socket no longer serves. */
  remove(name: string): void {
    this.#scoped.delete(name);
  }

  /** Returns where grants for clients of this socket go, and who may use them. */
  placeFor({name}: SocketScope): SocketPlace {
    if (name === MAIN_SOCKET) return this.#besideMain();
    const socket = this.#scoped.get(name);
    if (socket === undefined) return this.#private();
    const {mode, group} = socket.access;
    const beside = dirname(socket.path);
    // if that directory belongs to root, root created one for us inside
    const own = join(beside, 'ssh');
    if (!existsSync(own)) return {directory: beside, shownAs: '', mode, groupId: group};
    claimPassage(own, {named: false});
    // a setgid directory gives its group to new files, which we might not be allowed to
    const givesGroup = (statSync(own).mode & SETGID) !== 0;
    return {directory: own, shownAs: 'ssh', mode, groupId: givesGroup ? undefined : group};
  }

  /** The machine's main socket serves a group. Root created a directory that gives grants the same group. */
  #besideMain(): SocketPlace {
    const shared = join(this.#runtimeDirectory, SHARED_GRANTS);
    if (!existsSync(shared)) return this.#private();
    claimPassage(shared, {named: false});
    // systemd set the socket's mode: a client that may request a grant may use it
    const mode = statSync(join(this.#runtimeDirectory, 'git.sock')).mode & 0o777;
    return {directory: shared, shownAs: SHARED_GRANTS, mode, groupId: undefined};
  }

  #private(): SocketPlace {
    const directory = join(this.#runtimeDirectory, 'ssh');
    return {directory, shownAs: 'ssh', mode: 0o600, groupId: undefined};
  }
}
