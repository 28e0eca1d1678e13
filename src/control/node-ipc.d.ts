/** The part of node-ipc 14 that we use. The package has no types. */
declare module 'node-ipc' {
  import type {Socket} from 'node:net';
  import type {AssuredParser} from 'node-ipc/parsers';

  export interface Config {
    id: string;
    appspace: string;
    socketRoot: string;
    parser: 'assured' | typeof AssuredParser;
    allowedEvents: readonly string[];
    maxConnections: number;
    maxMessageSize: number;
    maxRetries: number;
    stopRetrying: boolean;
    silent: boolean;
    unlink: boolean;
  }

  /** Trusts what the daemon sends: no other user can enter its directory. */
  export interface Client {
    on(event: 'connect' | 'disconnect' | 'error', listener: () => void): void;
    on(event: 'response', listener: (data: {id: string; result: never; error?: string}) => void): void;
    on(event: 'event', listener: (data: {event: never}) => void): void;
    emit(event: 'request', data: unknown): unknown;
  }

  /** Does not trust what a client sends. */
  export interface Server {
    on(event: 'connect', listener: (socket: Socket) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'request', listener: (data: unknown, socket: Socket) => void): void;
    emit(socket: Socket, event: string, data: unknown): unknown;
    start(): void;
    stop(): void;
  }

  export class IPCModule {
    config: Config;
    server: Server;
    of: Record<string, Client | undefined>;
    serve(path: string, callback: () => void): void;
    connectTo(id: string, path: string, callback: () => void): void;
    disconnect(id: string): void;
  }
}

declare module 'node-ipc/parsers' {
  export class AssuredParser {
    constructor(config: object);
    /** Passes each whole frame to `receive`. Returns what is left of the next one. */
    read(buffer: string, data: string, receive: (message: unknown) => void): string;
  }

  /** Ends the connection that caused it. */
  export const IPCProtocolError: new (code: string, message: string) => Error;
}
