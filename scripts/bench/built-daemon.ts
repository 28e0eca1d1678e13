import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {buffer} from 'node:stream/consumers';
import {daemonNodeFlags} from '../../src/service/node-flags.ts';

/** As an installed package, outside the checkout: the daemon finds no optional packages. */
const installed = mkdtempSync(join(tmpdir(), 'orgkey-bench-installed-'));
copyFileSync(join(import.meta.dirname, '../../package.json'), join(installed, 'package.json'));
process.once('exit', () => rmSync(installed, {recursive: true, force: true}));

/** What `scripts/bench.ts` builds before it measures. */
export const dist = join(installed, 'dist');

/** A personal access token of the usual length. */
export const PAT = 'p'.repeat(52);

/** A configuration of one organization, contoso, with that token. */
export const patConfiguration = `integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso], personalAccessToken: ${PAT}}
`;

/** The directories of a daemon as it is installed, and what its clients need. */
export class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'orgkey-bench-'));

  get runtime(): string {
    return join(this.directory, 'run');
  }

  get socket(): string {
    return join(this.runtime, 'git.sock');
  }

  /** Node, its flags, and the daemon with its options, as in the units. */
  get command(): readonly [string, ...string[]] {
    const options = {'--config': 'config.yaml', '--runtime-dir': 'run', '--state-dir': 'state'};
    const args = Object.entries(options).flatMap(([option, path]) => [option, join(this.directory, path)]);
    return [process.execPath, ...daemonNodeFlags, join(dist, 'main.js'), 'daemon', ...args];
  }

  get environment(): Record<string, string> {
    return {PATH: process.env['PATH'] ?? '', HOME: this.directory};
  }

  constructor(configuration = patConfiguration) {
    this.write('config.yaml', configuration);
  }

  /** The file's path. */
  write(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text, {mode: 0o600});
    return path;
  }

  /** Makes a directory below it, and returns its path. */
  makeDirectory(name: string, mode = 0o700): string {
    const path = join(this.directory, name);
    mkdirSync(path, {mode});
    return path;
  }

  /** Returns what git's cache client sends for a repository of that organization. */
  request(organization = 'contoso'): string {
    return this.write(
      `request-${organization}`,
      `action=get\ntimeout=900\ncapability[]=authtype\ncapability[]=state\nprotocol=https\nhost=dev.azure.com\n` +
        `path=${organization}/web/_git/site\n` +
        `wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47\n` +
        `wwwauth[]=Basic realm="https://tfsproduks1.app.visualstudio.com/"\nwwwauth[]=TFS-Federated\n`,
    );
  }

  remove(): void {
    rmSync(this.directory, {recursive: true, force: true, maxRetries: 5});
  }
}

/** The built daemon in a process of its own. */
export class BuiltDaemon {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Resolves when it serves. */
  static async start(place: Place, environment: Readonly<Record<string, string>> = {}): Promise<BuiltDaemon> {
    const [node, ...args] = place.command;
    const child = spawn(node, args, {
      env: {...place.environment, ...environment},
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const daemon = new BuiltDaemon(child);
    const ready = once(createInterface(child.stdout), 'line');
    const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the daemon ended: ${code}`)));
    died.catch(() => undefined);
    await Promise.race([ready, died]);
    return daemon;
  }

  /** Resident memory, in MB. */
  get memory(): number {
    return memoryOf(this.#process.pid ?? 0);
  }

  async stop(): Promise<void> {
    await stopChild(this.#process);
  }
}

/** A Node server that answers everything with the same bytes, as a yardstick. */
export async function startBareServer(socket: string, answer: Uint8Array): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'bare-server.ts');
  const child = spawn(process.execPath, [...daemonNodeFlags, program, socket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(answer);
  await once(createInterface(child.stdout), 'line');
  return child;
}

/** Asks a socket as git's client does, and returns the answer. */
export async function answerOf(socket: string, request: string): Promise<Buffer> {
  const client = connect({path: socket, allowHalfOpen: true});
  client.end(readFileSync(request));
  return buffer(client);
}

/** Resident memory of a process, in MB. */
export function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(status)?.[1] ?? NaN) / 1024;
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
