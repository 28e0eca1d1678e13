import {Socket} from 'node:net';
import type {RequestOptions} from 'node:http';
import {Agent, type AgentOptions} from 'node:https';
import type {Duplex} from 'node:stream';
import {connect} from './connect.ts';
import type {Environment} from '../text/environment.ts';

interface WayOut {
  /** The environment whose proxies are used. */
  readonly variables: Environment;
  /** In milliseconds, for proxy, server and TLS together. */
  readonly limit: number;
}

/** Keeps TLS connections open between requests. A connection is made in time, or its request fails. */
export class ConnectionPool extends Agent {
  readonly #wayOut: WayOut;

  constructor(options: AgentOptions, wayOut: WayOut) {
    super(options);
    this.#wayOut = wayOut;
  }

  override createConnection(options: RequestOptions, done: Done = () => undefined): undefined {
    void this.#open(options, done);
  }

  async #open({host, port}: RequestOptions, done: Done): Promise<void> {
    const {variables, limit} = this.#wayOut;
    let socket: Duplex;
    try {
      const url = `https://${String(host)}:${String(port)}`;
      socket = await connect(url, variables, AbortSignal.timeout(limit));
    } catch (error) {
      // the types want a socket, and Node does not look at it
      done(error instanceof Error ? error : new Error(String(error)), new Socket());
      return;
    }
    done(null, socket);
  }
}

type Done = (error: Error | null, socket: Duplex) => void;
