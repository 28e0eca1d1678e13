import {createServer, type Server, type Socket} from 'node:net';
import type {GatewaySettings} from '../../config/configuration.ts';
import {Capabilities, type Capability} from '../../gateway/door/capabilities.ts';
import {Carrier, type CarrierParts} from '../../gateway/carrier.ts';
import {HttpDoor} from '../../gateway/door/http-door.ts';
import {LoopbackDoor} from '../../gateway/door/loopback-door.ts';
import {SocksDoor} from '../../gateway/door/socks-door.ts';
import {startTimer} from '../../start-timer.ts';
import {OrgkeyError, codeOf, messageOf} from '../../text/orgkey-error.ts';
import {GitSocket} from '../git/git-socket.ts';

interface OpenGatewayParts extends Omit<CarrierParts, 'rule'> {
  readonly settings: GatewaySettings;
  readonly path: string;
  /** The descriptor, if the service manager opened the socket. */
  readonly fd: number | undefined;
  /** The number of the group that may connect, if any. */
  readonly group: number | undefined;
  /** Whether some configured identity serves a host. */
  readonly isServed: (host: string) => boolean;
  readonly proofOf: (nonce: string) => string;
}

/** One gateway that serves: its socket, and its TCP port if it has one. */
export class OpenGateway {
  readonly settings: GatewaySettings;
  readonly socket: GitSocket;
  readonly #parts: OpenGatewayParts;
  readonly #capabilities = new Capabilities(Date.now);
  readonly #carrier: Carrier;
  readonly #doors: HttpDoor[] = [];
  #tcp: Server | undefined;
  #authority: string | undefined;

  constructor(parts: OpenGatewayParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.#carrier = new Carrier({...parts, rule: () => parts.settings.rule});
    const socks = new SocksDoor({isServed: parts.isServed, startTimer});
    const door = this.#addDoor(socks.admit);
    this.socket = new GitSocket({
      path: parts.path,
      fd: parts.fd,
      proofOf: parts.proofOf,
      scope: {name: parts.settings.name, organizations: new Set()},
      mode: parts.settings.mode,
      group: parts.group,
      serve: (client) => socks.take(client, door),
    });
  }

  /** How many requests are being carried. */
  get underWay(): number {
    return this.#doors.reduce((sum, door) => sum + door.underWay, 0);
  }

  /** `127.0.0.1:PORT`, if it listens there. */
  get authority(): string | undefined {
    return this.#authority;
  }

  /** Makes a password for the TCP port. */
  issueCapability(): Capability {
    return this.#capabilities.issue();
  }

  /** @throws {OrgkeyError} if the socket or the port cannot be had. */
  async open(): Promise<void> {
    await this.socket.open();
    if (this.settings.listen !== undefined) await this.#listen(this.settings.listen);
  }

  /** Stops accepting. Requests under way may finish for `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    this.#tcp?.close();
    const closed = this.#doors.map((door) => door.close(milliseconds, startTimer));
    await Promise.all([this.socket.drain(), ...closed]);
  }

  async #listen({host, port}: {readonly host: string; readonly port: number}): Promise<void> {
    const server = createServer({noDelay: true});
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new OrgkeyError(
            'ERR_LISTEN',
            `the gateway ${this.settings.name} cannot listen on ${host}:${port} (${codeOf(error) ?? messageOf(error)})`,
            {
              hint: 'name a free port in `listen` of the gateway',
            },
          ),
        ),
      );
      server.listen({host, port}, resolve);
    });
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    this.#authority = `${host.includes(':') ? `[${host}]` : host}:${bound}`;
    const {isServed} = this.#parts;
    const loopback = new LoopbackDoor({
      capabilities: this.#capabilities,
      isServed,
      authority: this.#authority,
    });
    const door = this.#addDoor(loopback.admit);
    server.on('connection', (client: Socket) => door.take(client, Buffer.alloc(0)));
    this.#tcp = server;
  }

  #addDoor(admit: ConstructorParameters<typeof HttpDoor>[1]): HttpDoor {
    const door = new HttpDoor(this.#carrier, admit);
    this.#doors.push(door);
    return door;
  }
}
