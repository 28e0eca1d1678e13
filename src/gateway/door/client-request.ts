import type {IncomingMessage, ServerResponse} from 'node:http';

export interface ClientRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The real host, in lower case, without a default port. */
  readonly host: string;
  /** In origin form, without what only the way to us added. */
  readonly target: string;
  /** In front of a path, this makes an address that leads the client to us. */
  readonly base: string;
  /** The header `Authorization` with which the client came in, if the way to us needs one. */
  readonly proof: string | undefined;
}
