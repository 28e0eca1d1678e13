import {createServer, type Server, type Socket} from 'node:net';
import type {GatewaySettings} from '../../config/configuration.ts';
import {Carrier, type CarrierParts} from '../../gateway/carrier.ts';
import {Capabilities, type Capability} from '../../gateway/door/capabilities.ts';
import {HttpDoor, type Admit} from '../../gateway/door/http-door.ts';
import {LoopbackDoor} from '../../gateway/door/loopback-door.ts';
import {SocksDoor} from '../../gateway/door/socks-door.ts';
import {startTimer} from '../../start-timer.ts';
import type {Crowd} from '../git/crowd.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {OrgkeyError, codeOf, messageOf} from '../../text/orgkey-error.ts';
import {collectInOneStep} from '../keep-small.ts';

interface OpenGatewayParts extends Omit<CarrierParts, 'rule'> {
  readonly settings: GatewaySettings;
  /** Whether some configured identity serves a host. */
  readonly isServed: (host: string) => boolean;
  /** Bounds the connections of all gateways. */
  readonly crowd: Crowd;
}

type Listen = NonNullable<GatewaySettings['listen']>;

/** One gateway that serves the connections it is given, and its TCP port if it has one. */
export class OpenGateway {
  readonly #parts: OpenGatewayParts;
  readonly #capabilities = new Capabilities(Date.now);
  readonly #carrier: Carrier;
  readonly #socks: SocksDoor;
  readonly #socksHttp: HttpDoor;
  #settings: GatewaySettings;
  #tcp:
    | {readonly servers: readonly Server[]; readonly door: HttpDoor; readonly authority: string}
    | undefined;

  constructor(parts: OpenGatewayParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.#carrier = new Carrier({...parts, rule: () => this.#settings.rule});
    this.#socks = new SocksDoor({isServed: parts.isServed, startTimer});
    this.#socksHttp = new HttpDoor(this.#carrier, this.#noting(this.#socks.admit));
  }

  get settings(): GatewaySettings {
    return this.#settings;
  }

  /** How many requests are being carried. */
  get underWay(): number {
    return this.#socksHttp.underWay + (this.#tcp?.door.underWay ?? 0);
  }

  /** `127.0.0.1:PORT`, if it listens there. */
  get authority(): string | undefined {
    return this.#tcp?.authority;
  }

  /** Makes a password for the TCP port. */
  issueCapability(): Capability {
    return this.#capabilities.issue();
  }

  /** Serves a connection of the Unix socket. */
  readonly serve = (client: Socket): void => {
    this.#parts.crowd.enter(this.#settings.name, client);
    if (!client.destroyed) this.#socks.take(client, this.#socksHttp);
  };

  /**
   * Follows the settings. Requests under way end as they began; the next ones meet the new rule.
   * @throws {OrgkeyError} if the port cannot be had.
   */
  async follow(settings: GatewaySettings): Promise<void> {
    const {listen} = settings;
    const isSame =
      this.#settings.listen?.host === listen?.host && this.#settings.listen?.port === listen?.port;
    this.#settings = settings;
    if (isSame && (listen === undefined) === (this.#tcp === undefined)) return;
    void this.#closePort(TIME_BUDGET.replacedGateway);
    if (listen !== undefined) await this.#listen(listen);
  }

  /** Stops accepting. Requests under way may finish for `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    await Promise.all([this.#closePort(milliseconds), this.#socksHttp.close(milliseconds, startTimer)]);
  }

  async #closePort(milliseconds: number): Promise<void> {
    const tcp = this.#tcp;
    this.#tcp = undefined;
    for (const server of tcp?.servers ?? []) server.close();
    await tcp?.door.close(milliseconds, startTimer);
  }

  /** Tells the crowd which connections carry something. */
  #noting(admit: Admit): Admit {
    return (request) => {
      const admission = admit(request);
      if (!('status' in admission)) {
        this.#parts.crowd.admit(request.socket);
        collectInOneStep();
      }
      return admission;
    };
  }

  async #listen({host, port}: Listen): Promise<void> {
    const servers = await this.#bindAll(host === 'localhost' ? LOCALHOST : [host], port);
    const bound = portOf(servers[0]) ?? port;
    const authority = `${host.includes(':') ? `[${host}]` : host}:${bound}`;
    const loopback = new LoopbackDoor({
      capabilities: this.#capabilities,
      isServed: this.#parts.isServed,
      authority,
    });
    const door = new HttpDoor(this.#carrier, this.#noting(loopback.admit));
    const serve = (client: Socket) => {
      client.on('error', () => client.destroy());
      // every user of the machine can connect here: they must not keep out who has a password or the Unix socket
      this.#parts.crowd.enter(`${this.#settings.name}:tcp`, client);
      if (!client.destroyed) door.take(client, Buffer.alloc(0));
    };
    for (const one of servers) one.on('connection', serve);
    this.#tcp = {servers, door, authority};
  }

  /** Binds one port on every address that this machine has. @throws {OrgkeyError} if it cannot be had on one of them. */
  async #bindAll([first = '', ...others]: readonly string[], port: number): Promise<Server[]> {
    const servers = [await this.#bind(first, port)];
    try {
      for (const other of others) servers.push(await this.#bind(other, portOf(servers[0]) ?? port));
    } catch (error) {
      if (error instanceof OrgkeyError && NO_SUCH_ADDRESS.has(codeOf(error.cause) ?? '')) return servers;
      for (const server of servers) server.close();
      throw error;
    }
    return servers;
  }

  /** @throws {OrgkeyError} if the port cannot be had. */
  async #bind(host: string, port: number): Promise<Server> {
    const server = createServer({noDelay: true});
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.#portError(`${host}:${port}`, error)));
      server.listen({host, port, ipv6Only: true}, resolve);
    });
    // Node tries again when it runs out of descriptors
    server.on('error', () => undefined);
    return server;
  }

  #portError(place: string, error: unknown): OrgkeyError {
    return new OrgkeyError(
      'ERR_LISTEN',
      `the gateway ${this.#settings.name} cannot listen on ${place} (${codeOf(error) ?? messageOf(error)})`,
      {hint: 'name a free port in `listen` of the gateway', cause: error},
    );
  }
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

/** Both must be ours: a client that tries the other one first would give its password to what listens there. */
const LOCALHOST = ['127.0.0.1', '::1'] as const;

/** Of a machine without IPv6: no other process can listen there. */
const NO_SUCH_ADDRESS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
