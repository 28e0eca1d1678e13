import {readFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type Cloud} from '../cloud/cloud.ts';
import type {Organization} from '../cloud/organizations.ts';
import type {Repository} from '../cloud/repositories.ts';
import {clientConfiguration} from '../../src/gateway/door/client-configuration.ts';
import {helperValue} from '../../src/git/setting.ts';
import {helper, type TestDaemon, daemonFor} from './daemon.ts';
import {type GitHome, homeFor} from './git-home.ts';
import type {Git} from './gits.ts';
import {cloudFor, addContoso} from './cloud-for.ts';

export interface GatewayWorld {
  readonly cloud: Cloud;
  readonly contoso: Organization;
  /** Within the rule. */
  readonly site: Repository;
  /** Outside the rule. */
  readonly salaries: Repository;
  readonly daemon: TestDaemon;
  /** Of the daemon's identity. */
  readonly secret: string;
  /** The directory that a container mounts. */
  readonly directory: string;
  readonly socket: string;
}

interface GatewayOptions {
  /** The fields of the gateway `agents` behind its name. */
  readonly rule?: string;
  /** More keys of the section `orgkey`. */
  readonly settings?: string;
}

/** Starts a cloud with two repositories, and a daemon with the gateway `agents`. */
export async function startGateway(
  t: {readonly teardown: (end: () => Promise<unknown>) => void},
  options: GatewayOptions = {},
): Promise<GatewayWorld> {
  const {rule = 'repositories: [contoso/web/*], push: ["refs/heads/agents/*"]', settings = ''} = options;
  const cloud = await cloudFor(t);
  const {app, contoso, credential} = addContoso(cloud);
  const site = contoso.addRepository('web/site', {files: {'a.txt': 'hello\n'}});
  const salaries = contoso.addRepository('hr/salaries', {files: {'a.txt': 'secret\n'}});
  const configuration = `integrations:
  azure:
    - credentials:
        - {${credential}}
orgkey:
  gateways:
    - {name: agents, ${rule}}
${settings}`;
  const daemon = await daemonFor(t, {configuration, environment: cloud.environment()});
  const directory = join(daemon.runtime, 'gateways/agents');
  const {secret} = app;
  return {cloud, contoso, site, salaries, daemon, secret, directory, socket: join(directory, 'gateway.sock')};
}

/** Starts one world for all tests of a file, which must be serial. Returns what returns it. */
export function sharedGateway(options: GatewayOptions = {}): () => GatewayWorld {
  const ends: (() => unknown)[] = [];
  let world: GatewayWorld | undefined;
  test.before(async () => {
    world = await startGateway({teardown: (end) => ends.push(end)}, options);
    // on a busy machine the first token takes longer than one request waits
    const wanted = {protocol: 'https', host: 'dev.azure.com', path: 'contoso/web/_git/site'};
    while (!(await world.daemon.get(wanted)).includes('\npassword='));
  });
  test.after.always(async () => {
    for (const end of ends.toReversed()) await end();
  });
  return () => {
    if (world === undefined) throw new Error('the gateway has not started');
    return world;
  };
}

/** Makes the home of a client that has git and the directory of the gateway, and nothing else of orgkey. */
export function gatewayHome(t: ExecutionContext, {directory}: GatewayWorld, git: Git): GitHome {
  const home = homeFor(t, {PATH: `${git.path}:${process.env['PATH'] ?? ''}`});
  const text = readFileSync(join(directory, 'gitconfig'), 'utf8');
  home.write('.gitconfig', `${USER}${text.replaceAll('/run/orgkey/', `${directory}/`)}`);
  return home;
}

/** Makes the home of a client that reaches the TCP port `authority`, with the helper of orgkey for its password. */
export function loopbackHome(
  t: ExecutionContext,
  {git, authority, socket}: {readonly git: Git; readonly authority: string; readonly socket: string},
): GitHome {
  const home = homeFor(t, {
    PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
    ORGKEY_RUNTIME_DIR: dirname(socket),
    ORGKEY_NO_START: '1',
  });
  const reach = {hosts: ['dev.azure.com'], organizations: ['contoso']};
  const lines = clientConfiguration(reach, {authority, helper: helperValue(helper)});
  home.write('.gitconfig', `${USER}${lines}`);
  return home;
}

const USER = '[user]\n\tname = Agent\n\temail = agent@example.org\n';

/** A connection through the SOCKS door of a gateway. */
export class GatewayConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  readonly #closed: Promise<void>;

  constructor(path: string) {
    this.socket = connect({path, allowHalfOpen: true});
    this.socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    this.socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('end', () => this.socket.end());
  }

  /** What came so far. */
  get received(): Buffer {
    return this.#received;
  }

  /** Sends a handshake for a host, then `text`, in one write. */
  request(host: string, text: string | Buffer): void {
    const name = Buffer.from(`${host}.orgkey.invalid`);
    const connectTo = Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(0, 80)]);
    this.socket.write(Buffer.concat([Buffer.of(5, 1, 0), connectTo, Buffer.from(text)]));
  }

  /** Resolves with everything behind the handshake when the connection has ended. */
  async answer(): Promise<string> {
    await this.#closed;
    return this.#received.toString('latin1', HANDSHAKE);
  }
}

/** The answers to the greeting and to CONNECT, in bytes. */
const HANDSHAKE = 12;

/** Asks a gateway for one thing over a connection of its own, and returns the whole answer. */
export async function askGateway(
  {socket}: Pick<GatewayWorld, 'socket'>,
  text: string | Buffer,
  host = 'dev.azure.com',
): Promise<string> {
  const connection = new GatewayConnection(socket);
  connection.request(host, text);
  return connection.answer();
}

/** Returns the head of a GET request that closes its connection. */
export function getRequest(path: string, host = 'dev.azure.com', more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}.orgkey.invalid\r\nConnection: close\r\n${more}\r\n`;
}
