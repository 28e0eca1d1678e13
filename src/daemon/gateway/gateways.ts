import type {ServersAt} from '../../organization/owner.ts';
import {dirname, join} from 'node:path';
import type {GatewaySettings} from '../../config/configuration.ts';
import type {Notice} from '../../control/control-protocol.ts';
import type {Carried} from '../../gateway/carried.ts';
import type {Capability} from '../../gateway/door/capabilities.ts';
import {clientConfiguration, reachOf} from '../../gateway/door/client-configuration.ts';
import type {Supply} from '../../gateway/supply.ts';
import type {Upstream} from '../../gateway/upstream.ts';
import {messageOf, OrgkeyError} from '../../text/orgkey-error.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {Turns} from '../../turns.ts';
import {claimPassage, hintFor} from '../claim.ts';
import {Crowd, descriptorLimit} from '../git/crowd.ts';
import {GATEWAY_PREFIX} from '../git/git-sockets.ts';
import {GitSocket, type Admission} from '../git/git-socket.ts';
import {groupNumber} from '../git/group.ts';
import {placeFile} from '../git/place-file.ts';
import {OpenGateway} from './open-gateway.ts';

interface OpenStatus {
  readonly settings: GatewaySettings;
  readonly path: string;
  /** `127.0.0.1:PORT`, if it listens there. */
  readonly authority: string | undefined;
  readonly underWay: number;
}

export interface GatewaysParts {
  /** The runtime directory. */
  readonly directory: string;
  /** The sockets that systemd passed: file descriptors by name, `gateway-NAME`. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly upstream: Upstream;
  readonly supplyFor: (name: string) => Supply;
  /** The real hosts that configured identities serve, and those of their organizations. */
  readonly hosts: () => ReadonlySet<string>;
  readonly serversAt: ServersAt;
  readonly carried: (gateway: string, event: Carried) => void;
  readonly proofOf: (nonce: string) => string;
  readonly now: () => number;
}

interface Entry {
  readonly gateway: OpenGateway;
  readonly socket: GitSocket;
}

export class Gateways {
  readonly #parts: GatewaysParts;
  readonly #open = new Map<string, Entry>();
  /** The sockets that systemd holds. They stay as long as the process: closing one would lose the descriptor. */
  readonly #held = new Map<string, GitSocket>();
  readonly #closing = new Set<Promise<unknown>>();
  readonly #turns = new Turns();
  readonly #crowd = new Crowd('gateway', descriptorLimit());
  #notices: readonly Notice[] = [];

  constructor(parts: GatewaysParts) {
    this.#parts = parts;
  }

  get all(): readonly OpenStatus[] {
    return Array.from(this.#open.values(), ({gateway, socket}) => ({
      path: socket.path,
      authority: gateway.authority,
      settings: gateway.settings,
      underWay: gateway.underWay,
    }));
  }

  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** How many requests are being carried. */
  get underWay(): number {
    return this.all.reduce((sum, {underWay}) => sum + underWay, 0);
  }

  /** Makes a password for the gateway that listens at `authority`, if `isAllowed`. */
  issueCapability(authority: string, isAllowed: (name: string) => boolean): Capability | undefined {
    for (const {gateway} of this.#open.values())
      if (gateway.authority === authority && isAllowed(gateway.settings.name))
        return gateway.issueCapability();
    return undefined;
  }

  /** Opens, changes and closes gateways as the configuration says. One that cannot be opened affects no other. */
  follow(wanted: readonly GatewaySettings[]): Promise<void> {
    return this.#turns.take(() => this.#follow(wanted));
  }

  /** Stops accepting. Requests under way may finish for `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    for (const name of this.#open.keys()) this.#close(name, milliseconds);
    for (const socket of this.#held.values()) this.#noteClosing(socket.drain());
    await Promise.all(this.#closing);
    this.#parts.upstream.close();
  }

  async #follow(wanted: readonly GatewaySettings[]): Promise<void> {
    const notices: Notice[] = [];
    const names = new Set(wanted.map(({name}) => name));
    for (const name of this.#open.keys()) if (!names.has(name)) this.#close(name, REPLACED);
    for (const settings of wanted) {
      const path = this.#pathOf(settings.name);
      try {
        await this.#openOrChange(settings, path);
        writeClientConfiguration(settings, dirname(path));
      } catch (error) {
        this.#close(settings.name, REPLACED);
        const message = `gateway ${settings.name}: ${messageOf(error)}`;
        notices.push({level: 'error', message, hint: this.#hintFor(error, settings.name)});
      }
    }
    for (const name of inheritedGateways(this.#parts.inherited))
      if (!this.#open.has(name)) await this.#turnAway(name, notices);
    this.#notices = notices;
  }

  async #openOrChange(settings: GatewaySettings, path: string): Promise<void> {
    const {name, mode} = settings;
    const group = settings.group === undefined ? undefined : await groupNumber(settings.group);
    const {inherited} = this.#parts;
    const before = this.#open.get(name);
    const isUnchanged = before?.socket.access.mode === mode && before.socket.access.group === group;
    if (before !== undefined && (isUnchanged || inherited.has(nameOfUnit(name))))
      return before.gateway.follow(settings);
    this.#close(name, REPLACED);
    const gateway = this.#gatewayFor(settings);
    try {
      await gateway.follow(settings);
      const scope = {name, organizations: new Set<string>()};
      const socket = await this.#socketAt(path, {scope, mode, group, serve: gateway.serve});
      this.#open.set(name, {gateway, socket});
    } catch (error) {
      void gateway.drain(0);
      throw error;
    }
  }

  #gatewayFor(settings: GatewaySettings): OpenGateway {
    const {serversAt, supplyFor, upstream, carried, now, hosts} = this.#parts;
    return new OpenGateway({
      settings,
      serversAt,
      isServed: (host) => isServed(host, hosts()),
      supply: supplyFor(settings.name),
      crowd: this.#crowd,
      upstream,
      carried: (event) => carried(settings.name, event),
      now,
    });
  }

  async #socketAt(path: string, admission: Admission): Promise<GitSocket> {
    const {directory, inherited, proofOf} = this.#parts;
    const unit = nameOfUnit(admission.scope.name);
    const held = this.#held.get(unit);
    held?.admit(admission);
    if (held !== undefined) return held;
    const fd = inherited.get(unit);
    if (fd === undefined) {
      claimPassage(join(directory, 'gateways'), {named: false});
      claimPassage(dirname(path), {named: false});
    }
    const socket = new GitSocket({...admission, path, fd, proofOf});
    await socket.open();
    if (fd !== undefined) this.#held.set(unit, socket);
    return socket;
  }

  /** Ends the connections to a socket of systemd's that no configuration names: otherwise they would wait forever. */
  async #turnAway(name: string, notices: Notice[]): Promise<void> {
    try {
      await this.#socketAt(this.#pathOf(name), closedAdmission(name));
      notices.push({
        level: 'warning',
        message: `gateway ${name}: systemd holds its socket, but the configuration does not name it`,
        hint: 'name it in the configuration, or let systemd give it up: orgkey service install',
      });
    } catch (error) {
      notices.push({
        level: 'error',
        message: `gateway ${name}: ${messageOf(error)}`,
        hint: 'run: orgkey service install',
      });
    }
  }

  #hintFor(error: unknown, name: string): string {
    const {inherited} = this.#parts;
    if (error instanceof OrgkeyError && error.hint !== undefined && error.code === 'ERR_LISTEN')
      return error.hint;
    if (inherited.size > 0 && !inherited.has(nameOfUnit(name)))
      return 'let systemd open it: orgkey service install';
    return error instanceof OrgkeyError && error.hint !== undefined
      ? error.hint
      : hintFor(error, this.#pathOf(name));
  }

  #pathOf(name: string): string {
    return join(this.#parts.directory, 'gateways', name, 'gateway.sock');
  }

  #close(name: string, milliseconds: number): void {
    const entry = this.#open.get(name);
    this.#open.delete(name);
    if (entry === undefined) return;
    const {gateway, socket} = entry;
    const isHeld = this.#held.has(nameOfUnit(name));
    if (isHeld) socket.admit(closedAdmission(name));
    this.#noteClosing(Promise.all([gateway.drain(milliseconds), isHeld ? undefined : socket.drain()]));
  }

  #noteClosing(task: Promise<unknown>): void {
    const closing = task.finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

const REPLACED = TIME_BUDGET.replacedGateway;

function closedAdmission(name: string): Admission {
  const scope = {name, organizations: new Set<string>()};
  return {scope, mode: 0o600, group: undefined, serve: (client) => client.destroy()};
}

/** Returns the name of a gateway's socket among those of systemd. */
function nameOfUnit(name: string): string {
  return `${GATEWAY_PREFIX}${name}`;
}

function inheritedGateways(inherited: ReadonlyMap<string, number>): string[] {
  return Array.from(inherited.keys()).flatMap((name) =>
    name.startsWith(GATEWAY_PREFIX) ? [name.slice(GATEWAY_PREFIX.length)] : [],
  );
}

/** Writes the lines for a container that mounts the directory as `/run/orgkey`. */
function writeClientConfiguration(settings: GatewaySettings, directory: string): void {
  const text = clientConfiguration(reachOf(settings.rule), {socket: '/run/orgkey/gateway.sock'});
  placeFile(join(directory, 'gitconfig'), text, 0o644);
}

/** Azure DevOps Services have several hosts for one organization. */
function isServed(host: string, hosts: ReadonlySet<string>): boolean {
  if (hosts.has(host)) return true;
  if (!hosts.has('dev.azure.com')) return false;
  return host === 'ssh.dev.azure.com' || /^[a-z0-9-]+\.visualstudio\.com$/.test(host);
}
