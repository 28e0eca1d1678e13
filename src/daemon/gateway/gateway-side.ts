import type {GatewaySettings} from '../../config/configuration.ts';
import type {Notice} from '../../control/control-protocol.ts';
import type {Gateways, GatewaysParts} from './gateways.ts';
import type {OpenGateway} from './open-gateway.ts';

interface GatewaySideParts extends Omit<GatewaysParts, 'upstream'> {
  /** Names the proxies. */
  readonly environment: NodeJS.ProcessEnv;
  readonly settings: () => readonly GatewaySettings[];
}

/** The gateways, whose code is loaded with the first one that is configured: most daemons have none. */
export class GatewaySide {
  readonly #parts: GatewaySideParts;
  #gateways: Gateways | undefined;

  constructor(parts: GatewaySideParts) {
    this.#parts = parts;
  }

  get all(): readonly OpenGateway[] {
    return this.#gateways?.all ?? [];
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
    if (wanted.length === 0 && this.#gateways === undefined) return;
    this.#gateways ??= await this.#load();
    await this.#gateways.follow(wanted);
  }

  async drain(milliseconds: number): Promise<void> {
    await this.#gateways?.drain(milliseconds);
  }

  async #load(): Promise<Gateways> {
    const [{Gateways}, {Upstream}] = await Promise.all([
      import('./gateways.ts'),
      import('../../gateway/upstream.ts'),
    ]);
    return new Gateways({...this.#parts, upstream: new Upstream(this.#parts.environment)});
  }
}
