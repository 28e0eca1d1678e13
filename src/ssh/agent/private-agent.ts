import {spawn, type ChildProcessByStdio} from 'node:child_process';
import {once} from 'node:events';
import {access, constants, mkdtemp, readFile, rm} from 'node:fs/promises';
import {connect, type Socket} from 'node:net';
import {join} from 'node:path';
import type {Readable, Writable} from 'node:stream';

import {printable} from '../../text/printable.ts';
import {AgentConnection} from './agent-connection.ts';
import type {StartTimer} from '../grant/single-use-socket.ts';
import {SshFailure} from '../ssh-failure.ts';

export interface AgentPlace {
  /** Absolute, ours alone: there the agent's socket lies until we are connected. */
  readonly directory: string;
  /** For `PATH`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly startTimer: StartTimer;
}

/** An ssh-agent of our own, to which nobody else is connected, nor ever will be. */
export interface PrivateAgent {
  readonly connection: AgentConnection;
  /** Ends it, and waits until it is gone. */
  end(): Promise<void>;
}

/** In milliseconds; it is there after some. */
const START_LIMIT = 5000;

/**
 * The agent, and a shell beside it that waits for the end of its input: that comes when we end, however that happens.
 * Nothing but the agent has the first standard output, so that its end is the agent's.
 */
const SCRIPT = `"$1" -D -a "$2" </dev/null &
exec >/dev/null 2>&1
read -r _
kill "$!"
wait`;

/**
 * Starts an agent, connects to it, and takes its socket away before it is given anything.
 * @throws {SshFailure} with a sentence: there is none, it does not start, or somebody was faster.
 */
export async function startPrivateAgent(place: AgentPlace): Promise<PrivateAgent> {
  const program = await findAgent(place.environment);
  if (program === undefined) throw noAgent();
  // its mode is 0700, whatever the umask is
  const directory = await mkdtemp(join(place.directory, 'agent-'));
  const path = join(directory, 's');
  // a group of its own: what a terminal sends to ours, when we are to finish what is under way, is not for it
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', program, path], {
    env: {PATH: place.environment['PATH']},
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = once(child, 'close').catch(() => {});
  const shellEnded = once(child, 'exit').catch(() => {});
  child.stdin.on('error', () => {});
  try {
    await listening(child, place.startTimer);
    const connection = new AgentConnection(await connected(path), place.startTimer);
    // whoever ended the shell alone did not end the agent
    void shellEnded.then(() => {
      if (connection.isOpen) endGroup(child.pid);
    });
    void connection.ended.then(() => child.stdin.end());
    const end = async () => {
      connection.close();
      await ended;
    };
    try {
      // it has answered us, so that whoever came before is known to the kernel as a connection
      const keys = await connection.count();
      await rm(directory, {recursive: true});
      if (keys > 0 || !(await isAlone(path)))
        throw new SshFailure('ERR_KEY_HOLDER', 'another program has connected to the private ssh-agent', {
          hints: ['nothing was given to it; find out which of your programs looks for agents'],
        });
    } catch (error) {
      await end();
      throw error;
    }
    return {connection, end};
  } catch (error) {
    child.stdin.end();
    await rm(directory, {recursive: true, force: true});
    throw error instanceof SshFailure
      ? error
      : new SshFailure('ERR_KEY_HOLDER', 'the private ssh-agent cannot be reached', {cause: error});
  }
}

/** The absolute path of `ssh-agent`, as a shell would find it. */
export async function findAgent({PATH = ''}: AgentPlace['environment']): Promise<string | undefined> {
  for (const directory of PATH.split(':').filter((directory) => directory.startsWith('/'))) {
    const path = join(directory, 'ssh-agent');
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}

export function noAgent(): SshFailure {
  return new SshFailure('ERR_KEY_HOLDER', 'there is no ssh-agent on the PATH of the daemon', {
    hints: ['install OpenSSH’s client, or set ssh.keyHolder: daemon'],
  });
}

/** It prints where it listens; before that, only why it does not. */
async function listening(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  startTimer: StartTimer,
): Promise<void> {
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < LONGEST_COMPLAINT) complaint += chunk.toString('latin1');
  });
  const {promise, resolve} = Promise.withResolvers<'listens' | 'ended' | 'late'>();
  child.stdout.once('data', () => resolve('listens'));
  child.stderr.once('close', () => resolve('ended'));
  child.once('error', () => resolve('ended'));
  const stop = startTimer(START_LIMIT, () => resolve('late'));
  const what = await promise;
  stop();
  child.stdout.resume();
  if (what === 'listens') return;
  const [line = ''] = complaint.split('\n');
  throw new SshFailure(
    'ERR_KEY_HOLDER',
    what === 'late'
      ? `the ssh-agent did not start within ${START_LIMIT / 1000} seconds`
      : `the ssh-agent does not start: ${line === '' ? 'it says nothing' : printable(line, 200)}`,
    {hints: ['install OpenSSH 7.2 or later, or set ssh.keyHolder: daemon']},
  );
}

/** In characters. */
const LONGEST_COMPLAINT = 1000;

async function connected(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/**
 * Whether the socket that is to be forgotten has one connection only. Linux tells its connections by the path, those
 * that still wait among them; elsewhere nobody can tell.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
 */
async function isAlone(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const sockets = (await readFile('/proc/self/net/unix', 'utf8')).split('\n');
  // the one that listens, and ours
  return sockets.filter((line) => line.endsWith(` ${path}`)).length === 2;
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended by itself meanwhile
  }
}
