import {existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Socket} from 'node:net';
import type {SocketSettings} from '../../config/configuration.ts';
import {MAIN_SOCKET, type SocketScope} from '../../organization/socket-scope.ts';
import {claimPassage, hintFor} from '../claim.ts';
import {GitSocket, type Admission} from './git-socket.ts';
import {groupNumber} from './group.ts';
import type {Notice} from '../../control/control-protocol.ts';

const SETGID = 0o2000;

/** Made by the unit of the machine's main socket, below the runtime directory; nowhere else is there one. */
const SHARED_GRANTS = 'grants';

export interface GitSocketsParts {
  readonly directory: string;
  readonly inherited: ReadonlyMap<string, number>;
  readonly serve: (scope: SocketScope) => (socket: Socket) => void;
  readonly proofOf: (nonce: string) => string;
}

/** A directory for single-use sockets. */
export interface GrantPlace {
  readonly directory: string;
  /** The same directory, relative to that of the socket. */
  readonly shownAs: string;
  /** Permission bits. */
  readonly mode: number;
  readonly groupId: number | undefined;
}

/** The main socket and the scoped ones, as the configuration wants them. */
export class GitSockets {
  readonly #parts: GitSocketsParts;
  readonly #open = new Map<string, {readonly socket: GitSocket; readonly settings: string}>();
  /**
   * The scoped sockets that the service manager holds, as long as the process lives: closing one would take away the
   * descriptor, while clients still come.
   */
  readonly #held = new Map<string, GitSocket>();
  /** All of them, those included that are being opened, and those that are closed and still have somebody to answer. */
  readonly #alive = new Set<GitSocket>();
  #isOver = false;
  #notices: readonly Notice[] = [];

  constructor(parts: GitSocketsParts) {
    this.#parts = parts;
  }

  get all(): readonly GitSocket[] {
    return Array.from(this.#open.values(), ({socket}) => socket);
  }

  /** Connections that are open now, on all of them. */
  get connections(): number {
    return [...this.#alive].reduce((sum, socket) => sum + socket.connections, 0);
  }

  /** What is wrong with scoped sockets; the main one is served whatever they do. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** @throws {ClaimError} */
  async openMain(): Promise<GitSocket> {
    const {directory} = this.#parts;
    const scope = {name: MAIN_SOCKET, organizations: undefined};
    const socket = await this.#openAt(join(directory, 'git.sock'), this.#admission(scope, 0o600, undefined));
    this.#open.set(MAIN_SOCKET, {socket, settings: ''});
    return socket;
  }

  /**
   * Opens, changes and closes scoped sockets until they are as wanted. Whoever asks on one that the service manager
   * holds and nobody wants is passed: in front of a socket that is not served he would wait without end.
   */
  async follow(wanted: readonly SocketSettings[]): Promise<void> {
    const notices = new Map<string, Notice>();
    const names = new Set([MAIN_SOCKET, ...wanted.map(({name}) => name)]);
    for (const name of this.#open.keys()) {
      if (!names.has(name)) this.#close(name);
    }
    for (const settings of wanted) {
      const {name} = settings;
      const now = JSON.stringify(settings);
      if (this.#open.get(name)?.settings === now) continue;
      try {
        this.#open.set(name, {socket: await this.#openScoped(settings), settings: now});
      } catch (error) {
        this.#close(name);
        notices.set(name, this.#noticeOf(name, error));
      }
    }
    for (const name of this.#parts.inherited.keys()) {
      if (name === MAIN_SOCKET || this.#open.has(name)) continue;
      const notice = await this.#passEverybody(name);
      if (!notices.has(name)) notices.set(name, notice);
    }
    this.#notices = [...notices.values()];
  }

  /** Where a socket lies that is granted to somebody who asked on this one, and who may use it. */
  placeBeside({name}: SocketScope): GrantPlace {
    if (name === MAIN_SOCKET) return this.#placeBesideMain();
    const socket = this.#open.get(name)?.socket;
    if (socket === undefined) return this.#privatePlace();
    const {mode, group} = socket.access;
    const beside = dirname(socket.path);
    // where the directory is root's, root made one in it that is ours
    const own = join(beside, 'ssh');
    if (!existsSync(own)) return {directory: beside, shownAs: '', mode, groupId: group};
    claimPassage(own, {named: false});
    // what is made in it gets its group: one that we may not be able to give
    const givesGroup = (statSync(own).mode & SETGID) !== 0;
    return {directory: own, shownAs: 'ssh', mode, groupId: givesGroup ? undefined : group};
  }

  /** Accepts no more, for good; resolves when everything that was accepted is answered. */
  async drain(): Promise<void> {
    this.#isOver = true;
    await Promise.all(Array.from(this.#alive, (socket) => socket.drain()));
  }

  destroyConnections(): void {
    for (const socket of this.#alive) socket.destroyConnections();
  }

  /** The machine's main socket is for a group: root made a directory that gives grants the same one. */
  #placeBesideMain(): GrantPlace {
    const {directory} = this.#parts;
    const shared = join(directory, SHARED_GRANTS);
    if (!existsSync(shared)) return this.#privatePlace();
    claimPassage(shared, {named: false});
    // systemd gave the socket its mode: whoever may ask on it may use what he is granted
    const mode = statSync(join(directory, 'git.sock')).mode & 0o777;
    return {directory: shared, shownAs: SHARED_GRANTS, mode, groupId: undefined};
  }

  #privatePlace(): GrantPlace {
    const directory = join(this.#parts.directory, 'ssh');
    return {directory, shownAs: 'ssh', mode: 0o600, groupId: undefined};
  }

  async #openScoped({name, organizations, mode, group}: SocketSettings): Promise<GitSocket> {
    const number = group === undefined ? undefined : await groupNumber(group);
    const admission = this.#admission({name, organizations: new Set(organizations)}, mode, number);
    if (this.#parts.inherited.has(name)) return this.#hold(name, admission);
    this.#close(name);
    const path = this.#pathOf(name);
    claimPassage(dirname(dirname(path)), {named: false});
    claimPassage(dirname(path), {named: false});
    return this.#openAt(path, admission);
  }

  async #hold(name: string, admission: Admission): Promise<GitSocket> {
    const held = this.#held.get(name);
    held?.admit(admission);
    if (held !== undefined) return held;
    const socket = await this.#openAt(this.#pathOf(name), admission);
    this.#held.set(name, socket);
    return socket;
  }

  async #passEverybody(name: string): Promise<Notice> {
    try {
      await this.#hold(name, this.#toNobody(name));
      return {
        level: 'yellow',
        message: `socket ${name}: systemd holds it, and no configuration in force names it: whoever asks there gets nothing`,
        hint: 'name it in the configuration, or let systemd give it up: orgkey service install',
      };
    } catch (error) {
      return this.#noticeOf(name, error);
    }
  }

  /** What keeps a scoped socket from being served; the others, and the main one, are served all the same. */
  #noticeOf(name: string, error: unknown): Notice {
    const why = error instanceof Error ? error.message : String(error);
    const hint = this.#isForManager(name)
      ? 'let systemd open it: orgkey service install'
      : hintFor(error, this.#pathOf(name));
    return {level: 'red', message: `socket ${name}: ${why}`, hint};
  }

  /** The machine's runtime directory is root's: what is new there only systemd can open. */
  #isForManager(name: string): boolean {
    const {directory, inherited} = this.#parts;
    const isOurs = statSync(directory).uid === process.geteuid?.();
    return inherited.size > 0 && !inherited.has(name) && !isOurs;
  }

  #toNobody(name: string): Admission {
    return this.#admission({name, organizations: new Set()}, 0o600, undefined);
  }

  #admission(scope: SocketScope, mode: number, group: number | undefined): Admission {
    return {scope, mode, group, serve: this.#parts.serve(scope)};
  }

  async #openAt(path: string, admission: Admission): Promise<GitSocket> {
    const {inherited, proofOf} = this.#parts;
    const socket = new GitSocket({...admission, path, fd: inherited.get(admission.scope.name), proofOf});
    this.#alive.add(socket);
    // what is closed before is not opened
    if (this.#isOver) await socket.drain();
    try {
      await socket.open();
    } catch (error) {
      this.#alive.delete(socket);
      throw error;
    }
    return socket;
  }

  #pathOf(name: string): string {
    return join(this.#parts.directory, 'scoped', name, 'git.sock');
  }

  /** Nobody is served on it any more; whoever was accepted is answered. */
  #close(name: string): void {
    const socket = this.#open.get(name)?.socket;
    this.#open.delete(name);
    if (socket === undefined) return;
    if (this.#held.has(name)) socket.admit(this.#toNobody(name));
    else void socket.drain().then(() => this.#alive.delete(socket));
  }
}
