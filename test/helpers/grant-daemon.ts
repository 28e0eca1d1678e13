import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';

import type {SubmoduleSettings} from '../../src/config/configuration.ts';
import {readSecret} from '../../src/config/value/read-secret.ts';
import type {SocketScope} from '../../src/organization/socket-scope.ts';
import {parseRequest} from '../../src/protocol/request.ts';
import {render} from '../../src/protocol/render.ts';
import {Grants, type GrantEvent} from '../../src/ssh/grant/grants.ts';
import {startTimer} from './timers.ts';
import {Secret} from '../../src/secret/secret.ts';

/** Serves a daemon's grants on their own git.sock, in this process: all that `orgkey-ssh` needs. */
export interface GrantDaemon {
  /** `ORGKEY_RUNTIME_DIR`. */
  readonly directory: string;
  readonly grants: Grants;
  readonly events: readonly GrantEvent[];
  close(): Promise<void>;
}

export const everybody: SocketScope = {name: 'git', organizations: undefined};

export async function startGrantDaemon({
  submodules,
  sshProxyCommand,
  environment = {},
  trusted = '',
  scope = everybody,
  mode = 0o600,
  parent = tmpdir(),
}: {
  submodules: readonly SubmoduleSettings[];
  sshProxyCommand?: string;
  environment?: Readonly<Record<string, string | undefined>>;
  trusted?: string;
  scope?: SocketScope;
  mode?: number;
  parent?: string;
}): Promise<GrantDaemon> {
  const directory = mkdtempSync(join(parent, 'runtime '));
  mkdirSync(join(directory, 'ssh'), {mode: 0o700});
  const events: GrantEvent[] = [];
  const grants = new Grants({
    settings: () => ({submodules, ssh: {proxyCommand: sshProxyCommand}}),
    placeOf: () => ({directory: join(directory, 'ssh'), shownAs: 'ssh', mode, groupId: undefined}),
    readSecret: (source) =>
      readSecret(source, {environment: {}, readVault: () => Promise.reject(new Error('there is no vault'))}),
    readTrustedHosts: async () => trusted,
    environment: {PATH: process.env['PATH'], ...environment},
    startTimer,
    report: (event) => events.push(event),
  });
  const server = createServer({allowHalfOpen: true}, (socket) => {
    socket.on('error', () => {});
    void answer(socket);
  });
  const answer = async (socket: Socket) => {
    try {
      const request = parseRequest(Buffer.from(await text(socket)));
      if (request.operation === 'grant') socket.end(render(await grants.answer(request, scope)));
      else socket.end();
    } catch {
      socket.end();
    }
  };
  await listen(server, join(directory, 'git.sock'));
  return {
    directory,
    grants,
    events,
    close: async () => {
      await grants.drain(0);
      server.close();
      rmSync(directory, {recursive: true, force: true});
    },
  };
}

/** A rule whose key is available. */
export function ruleFor(
  privateKey: string,
  rule: Partial<Omit<SubmoduleSettings, 'privateKey'>> & Pick<SubmoduleSettings, 'organizations'>,
): SubmoduleSettings {
  return {
    host: 'ssh.dev.azure.com',
    keyFile: undefined,
    repositories: [],
    knownHosts: undefined,
    place: 'test.yaml:1:1',
    ...rule,
    privateKey: {from: 'held', secret: Secret.fromText(privateKey)},
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
