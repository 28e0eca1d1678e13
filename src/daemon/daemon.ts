import type {AnswerParts} from '../answer/answer.ts';
import type {Problem} from '../config/configuration.ts';
import type {TokenCache} from '../token/token-cache.ts';
import {hintFor} from './claim.ts';
import type {ConfigurationInForce} from './supply/configuration-in-force.ts';
import type {Notice} from '../control/control-protocol.ts';
import type {GitSocket} from './git/git-socket.ts';
import type {GitSockets} from './git/git-sockets.ts';
import {fileIdentity} from './git/listener.ts';
import type {Log} from './record/log.ts';

export interface DaemonParts {
  readonly inForce: ConfigurationInForce;
  readonly sockets: GitSockets;
  readonly tokens: TokenCache;
  readonly log: Log;
  /** The user's service manager owns the sockets, or the system's. */
  readonly manager: 'user' | 'system';
}

/** What the daemon does beside answering: it follows its configuration, guards its sockets, and leaves in order. */
export class Daemon {
  readonly #parts: DaemonParts;
  #stolen: readonly Notice[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(parts: DaemonParts) {
    this.#parts = parts;
  }

  /** What is wrong with the sockets. */
  get notices(): readonly Notice[] {
    return [...this.#stolen, ...this.#parts.sockets.notices];
  }

  /** Reads the configuration and acts on it. Gives what was wrong with it, in which case nothing has changed. */
  async reload(): Promise<readonly Problem[]> {
    const {inForce, tokens, log} = this.#parts;
    const isNew = await inForce.reload();
    if (!isNew) {
      await this.#inTurn(() => this.#followSockets());
      for (const {place, message} of inForce.problems) log('error', `configuration: ${place}: ${message}`);
      return inForce.problems;
    }
    const {source, settings, warnings} = inForce.configuration;
    for (const {place, message} of warnings) log('warn', `configuration: ${place}: ${message}`);
    tokens.keepOnly(inForce.bindings.all.map(({identity}) => identity));
    await this.#inTurn(() => this.#followSockets());
    log('info', `configuration: ${source}: ${inForce.bindings.all.length} credentials`);
    // behind the requests; what fails is in the status
    if (settings.prefetch) void tokens.prefetch(inForce.wanted());
    return [];
  }

  /** With a configuration that is not taken too: at the start there may be sockets of systemd's that wait for us. */
  async #followSockets(): Promise<void> {
    const {inForce, sockets, log} = this.#parts;
    await sockets.follow(inForce.configuration.settings.sockets);
    for (const {level, message} of sockets.notices) log(level === 'red' ? 'error' : 'warn', message);
  }

  /** Looks who listens on each of our paths, and takes back what is not ours any more. */
  guard(): Promise<void> {
    return this.#inTurn(() => this.#guardAll());
  }

  /** One after the other: what opens sockets, closes them and takes them back must not meet itself half-way. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #guardAll(): Promise<void> {
    const stolen: Notice[] = [];
    for (const socket of this.#parts.sockets.all) {
      const notice = await this.#guardOne(socket);
      if (notice) stolen.push(notice);
    }
    this.#stolen = stolen;
  }

  async #guardOne(socket: GitSocket): Promise<Notice | undefined> {
    if ((await socket.reachesUs()) || socket.isClosed) return undefined;
    const {log} = this.#parts;
    const isRemoved = fileIdentity(socket.path) === undefined;
    const message = isRemoved
      ? `the socket ${socket.path} was removed`
      : `somebody else listens on ${socket.path}`;
    log('error', message);
    if (socket.isInherited) {
      const unit =
        socket.scope.organizations === undefined ? 'orgkey.socket' : `orgkey-${socket.scope.name}.socket`;
      return {
        level: 'red',
        message,
        hint: `run: systemctl ${this.#parts.manager === 'user' ? '--user ' : ''}restart ${unit}`,
      };
    }
    try {
      await socket.takeBack();
      log('info', `took ${socket.path} back`);
      return undefined;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log('error', `cannot take it back: ${why}`);
      return {level: 'red', message: why, hint: hintFor(error, socket.path)};
    }
  }
}

/** Why git gets no credential at all, where the configuration is what is wrong. */
export function troubleOf({problems, bindings}: ConfigurationInForce): AnswerParts['trouble'] {
  const [first] = problems;
  return first && bindings.all.length === 0 ? `${first.place}: ${first.message}` : undefined;
}
