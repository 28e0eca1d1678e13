import {parseAddress} from '../organization/git-url.ts';
import type {Remote} from '../organization/remote.ts';
import {RequestError, parseAttributes, type Attribute} from './attributes.ts';

export {MAX_REQUEST, RequestError} from './attributes.ts';

/** A request of a client of a git socket. */
export type Request =
  | GetRequest
  | StoreRequest
  | EraseRequest
  | GrantRequest
  /** Asks who listens. The answer proves it with the nonce. */
  | {readonly operation: 'hello'; readonly nonce: string}
  /** Not for us: git's `exit`, or an unknown action. */
  | {readonly operation: 'ignored'};

export interface GetRequest {
  readonly operation: 'get';
  readonly remote: Remote;
  /** What the client's git can read (2.46 and later announce it). */
  readonly announced: {readonly authtype: boolean; readonly state: boolean};
  /** Git sends `authtype=` when it asks again after a rejection. */
  readonly again: boolean;
  /** The `state[]` values of all helpers, dropped ones too: they show that git asks again. */
  readonly states: readonly string[];
  /** The server's challenges (git 2.41 and later). Never call an address in them. */
  readonly challenges: readonly string[];
  /** Our script asks, which explains to the user that an organization is not configured. */
  readonly explains?: boolean;
  /** The tool that wants it for a feed or the REST interface, if it is not git: `cargo`. */
  readonly tool?: string;
}

export interface StoreRequest {
  readonly operation: 'store';
  readonly remote: Remote;
  readonly login: Login;
}

export interface EraseRequest {
  readonly operation: 'erase';
  readonly remote: Remote;
  readonly login: Login;
  /** As in `get`. */
  readonly challenges: readonly string[];
  readonly tool?: string;
}

/** What git stores or erases. `undefined`: git did not send the value. */
export interface Login {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly authtype: string | undefined;
  readonly credential: Uint8Array | undefined;
  /** Milliseconds since epoch. */
  readonly expiresAt: number | undefined;
  readonly refreshToken: Uint8Array | undefined;
  /** No helper may keep it (git 2.46 and later). */
  readonly ephemeral: boolean;
  /** How long it may be kept in memory, in milliseconds, from the arguments of git's cache client. */
  readonly timeout: number;
}

/** The request of `orgkey-ssh` for one connection. */
export interface GrantRequest {
  readonly operation: 'grant';
  /** As git passed it to ssh: `git@ssh.dev.azure.com`. */
  readonly destination: string;
  /** 1 to 65535. */
  readonly port: number | undefined;
  readonly command: string;
  /** The first option of ssh that asks for more than git does: `-i`, `-o ProxyJump`. A connection with it is not granted. */
  readonly option?: string;
  /** The directory of git, as the client claims. Never rely on it for protection. */
  readonly directory: string;
}

/**
 * Reads a request of git's cache client: `action=`, `timeout=`, then git's own attributes.
 * @throws {RequestError} if it is not valid.
 */
export function parseRequest(bytes: Uint8Array): Request {
  const attributes = parseAttributes(bytes);
  const [action, timeout] = attributes;
  if (action?.key !== 'action') throw new RequestError('the first line is not an action');
  if (timeout?.key !== 'timeout') throw new RequestError('the second line is not a timeout');
  const seconds = integer(timeout.value);
  if (seconds === undefined) throw new RequestError('the timeout is not an integer');

  const values = new Values(attributes);
  switch (values.text('action')) {
    case 'get':
      return parseGet(values, seconds * 1000);
    // our script never sends this, but git does if its cache client is the helper, as in containers
    case 'store':
      return {operation: 'store', remote: remoteOf(values), login: loginOf(values, seconds * 1000)};
    case 'erase':
      return {
        operation: 'erase',
        remote: remoteOf(values),
        login: loginOf(values, seconds * 1000),
        challenges: values.list('wwwauth[]'),
        ...toolIn(values),
      };
    case 'hello':
      return {operation: 'hello', nonce: values.text('nonce') ?? ''};
    default:
      return {operation: 'ignored'};
  }
}

/** Git's client can send only four actions. Ours travel as `get`, with a line `operation=`. */
function parseGet(values: Values, timeout: number): Request {
  switch (values.text('operation')) {
    case undefined:
      return {
        operation: 'get',
        remote: remoteOf(values),
        announced: announcedIn(values),
        again: values.text('authtype') !== undefined,
        states: values.every('state[]'),
        challenges: values.list('wwwauth[]'),
        ...(values.text('explain') === '1' && {explains: true}),
        ...toolIn(values),
      };
    case 'store':
      return {operation: 'store', remote: remoteOf(values), login: loginOf(values, timeout)};
    case 'grant':
      return parseGrant(values);
    default:
      return {operation: 'ignored'};
  }
}

function parseGrant(values: Values): GrantRequest {
  const option = values.text('option');
  return {
    operation: 'grant',
    destination: values.required('destination'),
    port: portOf(values.text('port')),
    command: values.required('command'),
    ...(option === undefined || option === '' ? {} : {option}),
    directory: values.required('directory'),
  };
}

/** Whether a tool asks, for a feed or the REST interface, instead of git for a repository. */
export function isFromTool(
  request: Request,
): request is (GetRequest | EraseRequest) & {readonly tool: string} {
  return 'tool' in request;
}

/** Git's requests have a remote in parts, those of tools an address, as the tool gave it. */
function remoteOf(values: Values): Remote {
  if (values.text('tool') !== undefined) {
    const remote = parseAddress(values.required('address'));
    if (remote === undefined) throw new RequestError('the address is not one of a feed');
    return remote;
  }
  return {
    protocol: values.required('protocol'),
    host: values.required('host'),
    path: values.text('path'),
    username: values.text('username'),
  };
}

function toolIn(values: Values): {readonly tool?: string} {
  const tool = values.text('tool');
  if (tool === undefined) return {};
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(tool)) throw new RequestError('the tool has no name');
  return {tool};
}

function announcedIn(values: Values): GetRequest['announced'] {
  const capabilities = values.list('capability[]');
  return {authtype: capabilities.includes('authtype'), state: capabilities.includes('state')};
}

function loginOf(values: Values, timeout: number): Login {
  const expiry = values.bytes('password_expiry_utc');
  const seconds = expiry && integer(expiry);
  return {
    username: values.text('username'),
    password: values.bytes('password'),
    authtype: values.text('authtype'),
    credential: values.bytes('credential'),
    expiresAt: seconds === undefined ? undefined : seconds * 1000,
    refreshToken: values.bytes('oauth_refresh_token'),
    ephemeral: /^(?:1|true|yes|on)$/i.test(values.text('ephemeral') ?? ''),
    timeout,
  };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new RequestError('the port must be 1 to 65535');
  return port;
}

function integer(value: Uint8Array): number | undefined {
  const text = String.fromCharCode(...value.subarray(0, 20));
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

class Values {
  readonly #attributes: readonly Attribute[];

  constructor(attributes: readonly Attribute[]) {
    this.#attributes = attributes;
  }

  bytes(key: string): Uint8Array | undefined {
    return this.#attributes.find((attribute) => attribute.key === key)?.value;
  }

  text(key: string): string | undefined {
    const value = this.bytes(key);
    return value && decode(value);
  }

  /** An empty value counts as missing. */
  required(key: string): string {
    const value = this.text(key);
    if (value === undefined || value === '') throw new RequestError(`no ${key}`);
    return value;
  }

  /** An empty value clears the list before it. */
  list(key: string): string[] {
    const values = this.every(key);
    return values.slice(values.lastIndexOf('') + 1);
  }

  /** Lists come from servers and other helpers. Invalid UTF-8 in them is not the client's fault, so it is replaced. */
  every(key: string): string[] {
    return this.#attributes
      .filter((attribute) => attribute.key === key)
      .map(({value}) => anyText.decode(value));
  }
}

const anyText = new TextDecoder('utf-8', {ignoreBOM: true});
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RequestError('a value is not UTF-8');
  }
}
