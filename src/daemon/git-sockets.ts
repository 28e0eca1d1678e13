import {existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Socket} from 'node:net';
import type {SocketSettings} from '../config/configuration.ts';
import {MAIN_SOCKET, type SocketScope} from '../organization/socket-scope.ts';
import {ClaimError, claimPassage} from './claim.ts';
import {GitSocket} from './git-socket.ts';
import {groupNumber} from './group.ts';
import type {Notice} from './control-protocol.ts';

const SETGID = 0o2000;

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
  #notices: readonly Notice[] = [];

  constructor(parts: GitSocketsParts) {
    this.#parts = parts;
  }

  get all(): readonly GitSocket[] {
    return Array.from(this.#open.values(), ({socket}) => socket);
  }

  /** Connections that are open now, on all of them. */
  get connections(): number {
    return this.all.reduce((sum, socket) => sum + socket.connections, 0);
  }

  /** What is wrong with scoped sockets; the main one is served whatever they do. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** @throws {ClaimError} */
  async openMain(): Promise<GitSocket> {
    const {directory} = this.#parts;
    const socket = this.#make(
      {name: MAIN_SOCKET, organizations: undefined},
      join(directory, 'git.sock'),
      0o600,
      undefined,
    );
    await socket.open();
    this.#open.set(MAIN_SOCKET, {socket, settings: ''});
    return socket;
  }

  /** Opens, changes and closes scoped sockets until they are as wanted. */
  async follow(wanted: readonly SocketSettings[]): Promise<void> {
    const notices: Notice[] = [];
    const names = new Set([MAIN_SOCKET, ...wanted.map(({name}) => name)]);
    for (const [name, {socket}] of this.#open) {
      if (!names.has(name)) this.#close(name, socket);
    }
    for (const settings of wanted) {
      const now = JSON.stringify(settings);
      const open = this.#open.get(settings.name);
      if (open?.settings === now) continue;
      if (open) this.#close(settings.name, open.socket);
      try {
        this.#open.set(settings.name, {socket: await this.#openScoped(settings), settings: now});
      } catch (error) {
        if (!(error instanceof ClaimError)) throw error;
        const hint = this.#isForManager(settings.name)
          ? 'let systemd open it: orgkey service install'
          : error.hint;
        notices.push({level: 'red', message: `socket ${settings.name}: ${error.message}`, hint});
      }
    }
    this.#notices = notices;
  }

  /** Where a socket lies that is granted to somebody who asked on this one, and who may use it. */
  placeBeside({name}: SocketScope): GrantPlace {
    const socket = name === MAIN_SOCKET ? undefined : this.#open.get(name)?.socket;
    if (socket === undefined) {
      return {directory: join(this.#parts.directory, 'ssh'), shownAs: 'ssh', mode: 0o600, groupId: undefined};
    }
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

  /** Accepts no more; resolves when everything that was accepted is answered. */
  async drain(): Promise<void> {
    await Promise.all(this.all.map((socket) => socket.drain()));
  }

  destroyConnections(): void {
    for (const socket of this.all) socket.destroyConnections();
  }

  async #openScoped({name, organizations, mode, group}: SocketSettings): Promise<GitSocket> {
    const directory = join(this.#parts.directory, 'scoped', name);
    if (!this.#parts.inherited.has(name)) {
      claimPassage(join(this.#parts.directory, 'scoped'), {named: false});
      claimPassage(directory, {named: false});
    }
    const scope = {
      name,
      organizations: new Set(organizations.map((organization) => organization.toLowerCase())),
    };
    const number = group === undefined ? undefined : await groupNumber(group);
    const socket = this.#make(scope, join(directory, 'git.sock'), mode, number);
    await socket.open();
    return socket;
  }

  /** The machine's runtime directory is root's: what is new there only systemd can open. */
  #isForManager(name: string): boolean {
    const {directory, inherited} = this.#parts;
    const isOurs = statSync(directory).uid === process.geteuid?.();
    return inherited.size > 0 && !inherited.has(name) && !isOurs;
  }

  #make(scope: SocketScope, path: string, mode: number, group: number | undefined): GitSocket {
    const {inherited, serve, proofOf} = this.#parts;
    return new GitSocket({
      scope,
      path,
      fd: inherited.get(scope.name),
      mode,
      group,
      serve: serve(scope),
      proofOf,
    });
  }

  #close(name: string, socket: GitSocket): void {
    this.#open.delete(name);
    void socket.drain();
  }
}
