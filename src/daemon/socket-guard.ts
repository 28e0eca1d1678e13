import type {Notice} from '../control/control-protocol.ts';
import {messageOf} from '../text/orgkey-error.ts';
import {Turns} from '../turns.ts';
import {hintFor} from './claim.ts';
import type {GitSocket} from './git/git-socket.ts';
import type {GitSockets} from './git/git-sockets.ts';
import {fileIdentity} from './git/listener.ts';
import type {Log} from './record/log.ts';
import type {ConfigurationInForce} from './supply/configuration-in-force.ts';

interface SocketGuardParts {
  readonly inForce: Pick<ConfigurationInForce, 'configuration'>;
  readonly sockets: GitSockets;
  readonly log: Log;
  /** The service manager that owns inherited sockets: the user's or the system's. */
  readonly manager: 'user' | 'system';
}

/** Opens and closes the sockets as the configuration says, and takes back those that another process took away. */
export class SocketGuard {
  readonly #parts: SocketGuardParts;
  /** Opening, closing and taking back must not overlap. */
  readonly #turns = new Turns();
  #lost: readonly Notice[] = [];

  constructor(parts: SocketGuardParts) {
    this.#parts = parts;
  }

  get notices(): readonly Notice[] {
    return [...this.#lost, ...this.#parts.sockets.notices];
  }

  /** Opens, changes and closes the scoped sockets. Failures are logged and in `notices`. */
  followConfiguration(): Promise<void> {
    return this.#turns.take(() => this.#followConfiguration());
  }

  /** Checks that each path leads to us, and takes back those that no longer do. */
  check(): Promise<void> {
    return this.#turns.take(() => this.#checkAll());
  }

  async #followConfiguration(): Promise<void> {
    const {inForce, sockets, log} = this.#parts;
    await sockets.follow(inForce.configuration.settings.sockets);
    for (const {level, message} of sockets.notices) log(level === 'error' ? 'error' : 'warn', message);
  }

  async #checkAll(): Promise<void> {
    const lost: Notice[] = [];
    for (const socket of this.#parts.sockets.all) {
      const notice = await this.#checkOne(socket);
      if (notice) lost.push(notice);
    }
    this.#lost = lost;
  }

  async #checkOne(socket: GitSocket): Promise<Notice | undefined> {
    if ((await socket.reachesUs()) || socket.isClosed) return undefined;
    const {log} = this.#parts;
    const isRemoved = fileIdentity(socket.path) === undefined;
    const message = isRemoved
      ? `the socket ${socket.path} was removed`
      : `another process listens on ${socket.path}`;
    log('error', message);
    if (socket.isInherited) return {level: 'error', message, hint: `run: ${this.#restartCommand(socket)}`};
    try {
      await socket.takeBack();
      log('info', `took ${socket.path} back`);
      return undefined;
    } catch (error) {
      const why = messageOf(error);
      log('error', `cannot take ${socket.path} back: ${why}`);
      return {level: 'error', message: why, hint: hintFor(error, socket.path)};
    }
  }

  #restartCommand({scope}: GitSocket): string {
    const unit = scope.organizations === undefined ? 'orgkey.socket' : `orgkey-${scope.name}.socket`;
    return `systemctl ${this.#parts.manager === 'user' ? '--user ' : ''}restart ${unit}`;
  }
}
