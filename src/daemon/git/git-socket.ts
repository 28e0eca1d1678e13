import {randomBytes} from 'node:crypto';
import {statSync} from 'node:fs';
import type {Socket} from 'node:net';
import {dirname} from 'node:path';
import type {SocketScope} from '../../organization/socket-scope.ts';
import {giveAccess} from '../../files/give-access.ts';
import {askSocket} from '../../places/ask-socket.ts';
import {codeOf, messageOf} from '../../text/orgkey-error.ts';
import {ClaimError, claimPath} from '../claim.ts';
import {Listener, type Origin} from './listener.ts';

/** Which organizations a socket serves, and who may connect to it. */
export interface Admission {
  readonly scope: SocketScope;
  /** Permission bits. */
  readonly mode: number;
  /** The number of a group that may connect, if any. */
  readonly group: number | undefined;
  readonly serve: (socket: Socket) => void;
}

interface GitSocketParts extends Admission {
  readonly path: string;
  /** The descriptor, if the service manager opened the socket. */
  readonly fd: number | undefined;
  /** Returns the proof that our `hello` answers to a nonce. */
  readonly proofOf: (nonce: string) => string;
}

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

  /** Who may connect. */
  get access(): Pick<Admission, 'mode' | 'group'> {
    return this.#admission;
  }

  /** Serves new clients this way. The path does not change: it is the service manager's. */
  admit(admission: Admission): void {
    this.#admission = admission;
  }

  /** @throws {ClaimError} if another process serves the path, or the group cannot reach it, or we may not set the group. */
  async open(): Promise<void> {
    const {fd, path} = this.#parts;
    const {mode, group} = this.#admission;
    if (fd === undefined && group !== undefined) requireReachable(path, group);
    if (fd === undefined) await claimPath(path);
    // it may have been closed meanwhile
    if (this.#isClosed) return;
    if (fd !== undefined) return this.#listener.listen({fd});
    await this.#listener.listen({path} satisfies Origin);
    try {
      admitTo(path, {mode, group});
    } catch (error) {
      this.#listener.stopAccepting();
      throw error;
    }
  }

  /** Whether it has stopped accepting, permanently. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get connections(): number {
    return this.#listener.connections;
  }

  /** Whether a client that connects to the path reaches us. */
  async reachesUs(): Promise<boolean> {
    const nonce = randomBytes(16).toString('hex');
    const answer = await askSocket(this.path, `action=hello\ntimeout=0\nnonce=${nonce}\n`);
    return answer.kind === 'answered' && answer.text.includes(`\nproof=${this.#parts.proofOf(nonce)}\n`);
  }

  /** Binds the path again, after git's cache daemon, if it listens there, has left. @throws {ClaimError} */
  async takeBack(): Promise<void> {
    await claimPath(this.path);
    this.#listener.leavePath();
    await this.open();
  }

  /** Stops accepting. Resolves when every accepted connection is answered. */
  async drain(): Promise<void> {
    this.#isClosed = true;
    this.#listener.stopAccepting();
    await this.#listener.drained();
  }

  destroyConnections(): void {
    this.#listener.destroyConnections();
  }
}

/** Checks that a group can enter every directory above a socket. @throws {ClaimError} if it cannot. */
function requireReachable(path: string, group: number): void {
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
function admitTo(path: string, {mode, group}: Pick<Admission, 'mode' | 'group'>): void {
  try {
    giveAccess(path, {mode, group});
  } catch (error) {
    if (group === undefined) throw error;
    throw new ClaimError(
      `the socket ${path} cannot be given to the group ${group} (${codeOf(error) ?? messageOf(error)})`,
      'use the system service, or a group that the user of the daemon is in',
    );
  }
}
