import {randomBytes} from 'node:crypto';
import {chmodSync, chownSync, statSync} from 'node:fs';
import type {Socket} from 'node:net';
import {dirname} from 'node:path';
import type {SocketScope} from '../../organization/socket-scope.ts';
import {askSocket} from '../../places/ask-socket.ts';
import {ClaimError, claimPath, codeOf} from '../claim.ts';
import {Listener, type Origin} from './listener.ts';

/** Whom a socket serves, and who may connect to it. */
export interface Admission {
  readonly scope: SocketScope;
  /** Permission bits, and the group's number: beyond what the umask leaves, for scoped sockets. */
  readonly mode: number;
  readonly group: number | undefined;
  readonly serve: (socket: Socket) => void;
}

export interface GitSocketParts extends Admission {
  readonly path: string;
  /** Where the service manager opened the socket. */
  readonly fd: number | undefined;
  /** What `hello` answers to a nonce, if it is us. */
  readonly proofOf: (nonce: string) => string;
}

/** One socket that git's client connects to: bound, watched, taken back, let go. */
export class GitSocket {
  readonly path: string;
  readonly #parts: GitSocketParts;
  readonly #listener: Listener;
  #admission: Admission;
  #isClosed = false;

  constructor(parts: GitSocketParts) {
    this.path = parts.path;
    this.#parts = parts;
    this.#admission = parts;
    this.#listener = new Listener((client) => this.#admission.serve(client));
  }

  get scope(): SocketScope {
    return this.#admission.scope;
  }

  get isInherited(): boolean {
    return this.#parts.fd !== undefined;
  }

  /** Who may connect: permission bits, and the group's number where it is not ours. */
  get access(): Pick<Admission, 'mode' | 'group'> {
    return this.#admission;
  }

  /** Whoever connects from now on is served so. At the path nothing changes: that is the service manager's to do. */
  admit(admission: Admission): void {
    this.#admission = admission;
  }

  /** @throws {ClaimError} where the path is somebody else's, or the group could not reach it or is not ours to give. */
  async open(): Promise<void> {
    const {fd, path} = this.#parts;
    const {mode, group} = this.#admission;
    if (fd === undefined && group !== undefined) requireWay(path, group);
    if (fd === undefined) await claimPath(path);
    // it may have been told to close while it waited
    if (this.#isClosed) return;
    if (fd !== undefined) return this.#listener.listen({fd});
    await this.#listener.listen({path} satisfies Origin);
    try {
      if (group !== undefined) giveTo(group, path);
      // the umask has left it to us alone until here, with an execute bit that means nothing
      chmodSync(path, mode);
    } catch (error) {
      this.#listener.stopAccepting();
      throw error;
    }
  }

  /** It was told to accept no more: for good. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get connections(): number {
    return this.#listener.connections;
  }

  /** Whether whoever connects to the path reaches us. */
  async reachesUs(): Promise<boolean> {
    const nonce = randomBytes(16).toString('hex');
    const answer = await askSocket(this.path, `action=hello\ntimeout=0\nnonce=${nonce}\n`);
    return answer.kind === 'answered' && answer.text.includes(`\nproof=${this.#parts.proofOf(nonce)}\n`);
  }

  /** Binds the path anew, after whoever listens there has been asked to leave. @throws {ClaimError} */
  async takeBack(): Promise<void> {
    await claimPath(this.path);
    this.#listener.leavePath();
    await this.open();
  }

  /** Accepts no more, and resolves when what was accepted is answered. */
  async drain(): Promise<void> {
    this.#isClosed = true;
    this.#listener.stopAccepting();
    await this.#listener.drained();
  }

  destroyConnections(): void {
    this.#listener.destroyConnections();
  }
}

/** A group that is let in at the door must be let in at the gates before it. @throws {ClaimError} */
function requireWay(path: string, group: number): void {
  for (let above = dirname(path); ; above = dirname(above)) {
    const {mode, gid} = statSync(above);
    if ((mode & 0o001) === 0 && !(gid === group && (mode & 0o010) !== 0)) {
      throw new ClaimError(
        `the group of the socket ${path} cannot enter ${above}`,
        'use the system service, or a runtime directory that the group can reach (ORGKEY_RUNTIME_DIR)',
      );
    }
    if (above === dirname(above)) return;
  }
}

/** @throws {ClaimError} */
function giveTo(group: number, path: string): void {
  try {
    chownSync(path, -1, group);
  } catch (error) {
    throw new ClaimError(
      `the socket ${path} cannot be given to the group ${group} (${codeOf(error)})`,
      'use the system service, or a group that the user of the daemon is in',
    );
  }
}
