import {renameSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {GatewaySettings} from '../../config/configuration.ts';
import type {Notice} from '../../control/control-protocol.ts';
import type {Carried} from '../../gateway/carried.ts';
import {clientConfiguration} from '../../gateway/door/client-configuration.ts';
import type {Supply} from '../../gateway/supply.ts';
import type {Upstream} from '../../gateway/upstream.ts';
import {messageOf, OrgkeyError} from '../../text/orgkey-error.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {Turns} from '../../turns.ts';
import {claimPassage, hintFor} from '../claim.ts';
import {groupNumber} from '../git/group.ts';
import {OpenGateway} from './open-gateway.ts';

export interface GatewaysParts {
  /** The runtime directory. */
  readonly directory: string;
  /** The sockets that systemd passed: file descriptors by name, `gateway-NAME`. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly upstream: Upstream;
  readonly supplyFor: (name: string) => Supply;
  /** The real hosts that configured identities serve, and those of their organizations. */
  readonly hosts: () => ReadonlySet<string>;
  readonly isServer: (host: string) => boolean;
  readonly carried: (gateway: string, event: Carried) => void;
  readonly proofOf: (nonce: string) => string;
  readonly now: () => number;
}

/** The gateways of the configuration. */
export class Gateways {
  readonly #parts: GatewaysParts;
  readonly #open = new Map<string, {readonly gateway: OpenGateway; readonly settings: string}>();
  readonly #closing = new Set<Promise<void>>();
  readonly #turns = new Turns();
  #notices: readonly Notice[] = [];

  constructor(parts: GatewaysParts) {
    this.#parts = parts;
  }

  get all(): readonly OpenGateway[] {
    return Array.from(this.#open.values(), ({gateway}) => gateway);
  }

  /** What is wrong with gateways. */
  get notices(): readonly Notice[] {
    return this.#notices;
  }

  /** How many requests are being carried. */
  get underWay(): number {
    return this.all.reduce((sum, gateway) => sum + gateway.underWay, 0);
  }

  /** Opens, changes and closes gateways as the configuration says. One that cannot be had affects no other. */
  follow(wanted: readonly GatewaySettings[]): Promise<void> {
    return this.#turns.take(() => this.#follow(wanted));
  }

  /** Stops accepting. Requests under way may finish for `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    for (const name of this.#open.keys()) this.#close(name, milliseconds);
    await Promise.all(this.#closing);
    this.#parts.upstream.close();
  }

  async #follow(wanted: readonly GatewaySettings[]): Promise<void> {
    const notices: Notice[] = [];
    const names = new Set(wanted.map(({name}) => name));
    for (const name of this.#open.keys())
      if (!names.has(name)) this.#close(name, TIME_BUDGET.replacedGateway);
    for (const settings of wanted) {
      const path = join(this.#parts.directory, 'gateways', settings.name, 'gateway.sock');
      try {
        await this.#openOrChange(settings, path);
      } catch (error) {
        this.#close(settings.name, TIME_BUDGET.replacedGateway);
        const hint =
          error instanceof OrgkeyError && error.hint !== undefined ? error.hint : hintFor(error, path);
        notices.push({level: 'error', message: `gateway ${settings.name}: ${messageOf(error)}`, hint});
      }
    }
    this.#notices = notices;
  }

  async #openOrChange(settings: GatewaySettings, path: string): Promise<void> {
    const {name} = settings;
    const {directory, inherited, isServer, supplyFor, upstream, carried, proofOf, now, hosts} = this.#parts;
    const text = JSON.stringify(settings);
    if (this.#open.get(name)?.settings !== text) {
      const group = settings.group === undefined ? undefined : await groupNumber(settings.group);
      this.#close(name, TIME_BUDGET.replacedGateway);
      claimPassage(join(directory, 'gateways'), {named: false});
      claimPassage(dirname(path), {named: false});
      const gateway = new OpenGateway({
        settings,
        path,
        fd: inherited.get(`gateway-${name}`),
        group,
        isServer,
        isServed: (host) => isServed(host, hosts()),
        supply: supplyFor(name),
        upstream,
        carried: (event) => carried(name, event),
        proofOf,
        now,
      });
      await gateway.open();
      this.#open.set(name, {gateway, settings: text});
    }
    this.#writeConfiguration(settings, dirname(path));
  }

  /** The lines for a container that mounts the directory as `/run/orgkey`. */
  #writeConfiguration(settings: GatewaySettings, directory: string): void {
    const text = clientConfiguration({
      hosts: hostsOf(settings),
      organizations: organizationsOf(settings),
      socket: '/run/orgkey/gateway.sock',
    });
    const path = join(directory, 'gitconfig');
    const fresh = `${path}.new`;
    rmSync(fresh, {force: true});
    writeFileSync(fresh, text, {mode: 0o644, flag: 'wx'});
    renameSync(fresh, path);
  }

  #close(name: string, milliseconds: number): void {
    const gateway = this.#open.get(name)?.gateway;
    this.#open.delete(name);
    if (gateway === undefined) return;
    const closing = gateway.drain(milliseconds).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** The hosts that a gateway's rule can reach. */
function hostsOf({rule}: GatewaySettings): string[] {
  return [...new Set(rule.repositories.map(({host}) => host ?? 'dev.azure.com'))];
}

/** The organizations that a gateway's rule names in full. */
function organizationsOf({rule}: GatewaySettings): string[] {
  const names = rule.repositories.flatMap(({host, organization}) =>
    host === undefined && !organization.includes('*') ? [organization] : [],
  );
  return [...new Set(names)];
}

/** Azure DevOps Services have several hosts for one organization. */
function isServed(host: string, hosts: ReadonlySet<string>): boolean {
  if (hosts.has(host)) return true;
  if (!hosts.has('dev.azure.com')) return false;
  return host === 'ssh.dev.azure.com' || /^[a-z0-9-]+\.visualstudio\.com$/.test(host);
}
