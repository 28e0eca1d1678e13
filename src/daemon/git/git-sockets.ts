import {statSync} from 'node:fs';
import type {Socket} from 'node:net';
import {dirname, join} from 'node:path';
import type {SocketSettings} from '../../config/configuration.ts';
import type {Notice} from '../../control/control-protocol.ts';
import {MAIN_SOCKET, type SocketScope} from '../../organization/socket-scope.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import {claimPassage, hintFor} from '../claim.ts';
import {GitSocket, type Admission} from './git-socket.ts';
import type {GrantPlaces} from './grant-places.ts';
import {groupNumber} from './group.ts';

/** Begins the name of a gateway's socket among those of systemd. */
export const GATEWAY_PREFIX = 'gateway-';

interface GitSocketsParts {
  /** The runtime directory. */
  readonly directory: string;
  /** The sockets that systemd passed: file descriptors by name. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly places: Pick<GrantPlaces, 'add' | 'remove'>;
  readonly serve: (scope: SocketScope) => (socket: Socket) => void;
  /** Returns the proof that `hello` answers to a nonce. */
  readonly proofOf: (nonce: string) => string;
}

export class GitSockets {
  readonly #parts: GitSocketsParts;
  readonly #open = new Map<string, {readonly socket: GitSocket; readonly settings: string}>();
  /**
   * The scoped sockets that systemd holds. They stay as long as the process: closing one would lose the descriptor
   * while clients still connect.
   */
  readonly #held = new Map<string, GitSocket>();
  /** All of them, with those that are being opened and those that are closed but still have a client to answer. */
  readonly #alive = new Set<GitSocket>();
  #isDraining = false;
  #notices: readonly Notice[] = [];

  constructor(parts: GitSocketsParts) {
    this.#parts = parts;
  }

  get all(): readonly GitSocket[] {
    return Array.from(this.#open.values(), ({socket}) => socket);
  }

  get connections(): number {
    return [...this.#alive].reduce((sum, socket) => sum + socket.connections, 0);
  }

  /** What is wrong with scoped sockets. The main socket is served regardless. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** @throws {ClaimError} if its path cannot be ours. */
  async openMain(): Promise<void> {
    const {directory} = this.#parts;
    const scope = {name: MAIN_SOCKET, organizations: undefined};
    const socket = await this.#openAt(join(directory, 'git.sock'), this.#admission(scope, 0o600, undefined));
    this.#open.set(MAIN_SOCKET, {socket, settings: ''});
  }

  /**
   * Opens, changes and closes scoped sockets as the configuration says. Every request on a socket that systemd holds
   * and no configuration names is passed: if it were not served, its client would wait forever.
   */
  async follow(wanted: readonly SocketSettings[]): Promise<void> {
    const notices = new Map<string, Notice>();
    const names = new Set([MAIN_SOCKET, ...wanted.map(({name}) => name)]);
    for (const name of this.#open.keys()) {
      if (!names.has(name)) this.#close(name);
    }
    for (const settings of wanted) {
      const {name} = settings;
      try {
        await this.#openOrChange(settings);
      } catch (error) {
        this.#close(name);
        notices.set(name, this.#noticeOf(name, error));
      }
    }
    for (const name of this.#parts.inherited.keys()) {
      if (name === MAIN_SOCKET || name.startsWith(GATEWAY_PREFIX) || this.#open.has(name)) continue;
      const notice = await this.#passAll(name);
      if (!notices.has(name)) notices.set(name, notice);
    }
    this.#notices = [...notices.values()];
  }

  /** Stops accepting, permanently. Resolves when every accepted connection is answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.all(Array.from(this.#alive, (socket) => socket.drain()));
  }

  destroyConnections(): void {
    for (const socket of this.#alive) socket.destroyConnections();
  }

  async #openOrChange(settings: SocketSettings): Promise<void> {
    const {name} = settings;
    const now = JSON.stringify(settings);
    if (this.#open.get(name)?.settings === now) return;
    const socket = await this.#openScoped(settings);
    this.#open.set(name, {socket, settings: now});
    this.#parts.places.add(name, socket);
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

  /** Serves a socket of systemd's with an empty scope. */
  async #passAll(name: string): Promise<Notice> {
    try {
      await this.#hold(name, this.#emptyAdmission(name));
      return {
        level: 'warning',
        message: `socket ${name}: systemd holds it, but the configuration does not name it: its clients get nothing`,
        hint: 'name it in the configuration, or let systemd give it up: orgkey service install',
      };
    } catch (error) {
      return this.#noticeOf(name, error);
    }
  }

  #noticeOf(name: string, error: unknown): Notice {
    const hint = this.#isForManager(name)
      ? 'let systemd open it: orgkey service install'
      : hintFor(error, this.#pathOf(name));
    return {level: 'error', message: `socket ${name}: ${messageOf(error)}`, hint};
  }

  /** Whether only systemd can open this socket: root owns the machine's runtime directory. */
  #isForManager(name: string): boolean {
    const {directory, inherited} = this.#parts;
    const isOwnDirectory = statSync(directory).uid === process.geteuid?.();
    return inherited.size > 0 && !inherited.has(name) && !isOwnDirectory;
  }

  #emptyAdmission(name: string): Admission {
    return this.#admission({name, organizations: new Set()}, 0o600, undefined);
  }

  #admission(scope: SocketScope, mode: number, group: number | undefined): Admission {
    return {scope, mode, group, serve: this.#parts.serve(scope)};
  }

  async #openAt(path: string, admission: Admission): Promise<GitSocket> {
    const {inherited, proofOf} = this.#parts;
    const socket = new GitSocket({...admission, path, fd: inherited.get(admission.scope.name), proofOf});
    this.#alive.add(socket);
    // a socket that is closed first does not open
    if (this.#isDraining) await socket.drain();
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

  /** Serves no new client on it. Accepted connections are answered. */
  #close(name: string): void {
    const socket = this.#open.get(name)?.socket;
    this.#open.delete(name);
    this.#parts.places.remove(name);
    if (socket === undefined) return;
    if (this.#held.has(name)) socket.admit(this.#emptyAdmission(name));
    else void socket.drain().then(() => this.#alive.delete(socket));
  }
}
