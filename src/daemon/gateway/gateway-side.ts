import {describePattern} from '../../gateway/rule/rule.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {GatewaySettings, SocketSettings} from '../../config/configuration.ts';
import type {Answer} from '../../protocol/answer.ts';
import type {GetRequest} from '../../protocol/request.ts';
import type {GatewayStatus, Notice} from '../../control/control-protocol.ts';
import {GATEWAY_PREFIX} from '../git/git-sockets.ts';
import {capabilityAnswer} from './capability-answer.ts';
import {GatewayTally} from './gateway-tally.ts';
import type {Gateways, GatewaysParts} from './gateways.ts';

interface GatewaySideParts extends Omit<GatewaysParts, 'upstream'> {
  /** Names the proxies. */
  readonly environment: NodeJS.ProcessEnv;
  readonly settings: () => readonly GatewaySettings[];
  readonly sockets: () => readonly Pick<SocketSettings, 'name' | 'gateway'>[];
}

/** The gateways, whose code is loaded with the first one that is configured: most daemons have none. */
export class GatewaySide {
  readonly #parts: GatewaySideParts;
  readonly #tally = new GatewayTally();
  #gateways: Gateways | undefined;

  constructor(parts: GatewaySideParts) {
    this.#parts = parts;
  }

  get all(): readonly GatewayStatus[] {
    return (this.#gateways?.all ?? []).map(({settings: {name, rule}, path, authority, underWay}) => {
      const {sent, received, ...counts} = this.#tally.of(name);
      return {
        name,
        path,
        listen: authority,
        repositories: rule.repositories.map(describePattern),
        push: rule.push,
        deletions: rule.deletions,
        lfs: rule.lfs,
        requests: {...counts, underWay},
        bytes: {sent, received},
      };
    });
  }

  get notices(): readonly Notice[] {
    return this.#gateways?.notices ?? [];
  }

  /** How many requests are being carried. */
  get underWay(): number {
    return this.#gateways?.underWay ?? 0;
  }

  async followConfiguration(): Promise<void> {
    const wanted = this.#parts.settings();
    const isHeld = Array.from(this.#parts.inherited.keys()).some((name) => name.startsWith(GATEWAY_PREFIX));
    if (wanted.length === 0 && !isHeld && this.#gateways === undefined) return;
    this.#gateways ??= await this.#load();
    await this.#gateways.follow(wanted);
  }

  /**
   * Answers git's request for the password of a gateway's TCP port: all of them over the main socket, one over a scoped
   * socket that names it. `undefined`: the request is not for one.
   */
  answer(request: GetRequest, scope: SocketScope): Answer | undefined {
    const {protocol, host} = request.remote;
    if (protocol !== 'http') return undefined;
    const named = this.#parts.sockets().find(({name}) => name === scope.name)?.gateway;
    const isAllowed = (name: string) => scope.organizations === undefined || name === named;
    const capability = this.#gateways?.issueCapability(host, isAllowed);
    return capability && capabilityAnswer(capability, request);
  }

  async drain(milliseconds: number): Promise<void> {
    await this.#gateways?.drain(milliseconds);
  }

  async #load(): Promise<Gateways> {
    const [{Gateways}, {Upstream}] = await Promise.all([
      import('./gateways.ts'),
      import('../../gateway/upstream.ts'),
    ]);
    const upstream = new Upstream(this.#parts.environment);
    const carried: GatewaysParts['carried'] = (gateway, event) => {
      this.#tally.note(gateway, event);
      this.#parts.carried(gateway, event);
    };
    return new Gateways({...this.#parts, upstream, carried});
  }
}
