import type {IncomingMessage} from 'node:http';
import type {Capabilities} from './capabilities.ts';
import type {Admission} from './http-door.ts';

/** The entrance by TCP on the loopback address: `http://127.0.0.1:PORT/REALHOST/…`, with a capability as password. */
export class LoopbackDoor {
  readonly #capabilities: Pick<Capabilities, 'accepts'>;
  readonly #isServed: (host: string) => boolean;
  /** As in the URL of a client: `127.0.0.1:PORT`. */
  readonly #authority: string;

  constructor(parts: {
    readonly capabilities: Pick<Capabilities, 'accepts'>;
    readonly isServed: (host: string) => boolean;
    readonly authority: string;
  }) {
    this.#capabilities = parts.capabilities;
    this.#isServed = parts.isServed;
    this.#authority = parts.authority;
  }

  /** Admits a request that carries a capability, and names us: a page in a browser could be led here by another name. */
  readonly admit = (request: IncomingMessage): Admission => {
    if (request.headers.host !== this.#authority)
      return {
        status: 403,
        message: 'the request is for another host',
        hint: `use http://${this.#authority}/`,
      };
    if (!this.#capabilities.accepts(request.headers.authorization))
      return {
        status: 401,
        message: 'the request carries no valid capability',
        hint: 'let git ask the orgkey helper for this address',
        challenge: 'Basic realm="orgkey gateway"',
      };
    const [, host = '', target = ''] = /^\/([^/?#]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    if (!this.#isServed(host.toLowerCase()))
      return {
        status: 403,
        message: 'the address names no host that is served',
        hint: 'use the lines of `orgkey gateway config`',
      };
    return {
      host: host.toLowerCase(),
      target,
      base: `http://${this.#authority}/${host}`,
      proof: request.headers.authorization,
    };
  };
}
