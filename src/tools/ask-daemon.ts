import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {askSocket} from '../places/ask-socket.ts';
import {machineFiles} from '../places/file-facts.ts';
import {homeDirectory} from '../places/home-directory.ts';
import {runtimeDirectoryOfDaemon} from '../places/paths.ts';
import {TIME_BUDGET} from '../time-budget.ts';

/** A request of a tool, as git's cache client would send it. */
export interface ToolRequest {
  readonly action: 'get' | 'erase';
  /** `nuget`. For the audit trail. */
  readonly tool: string;
  /** As the tool gave it. */
  readonly address: string;
  /** What was refused. */
  readonly password?: string | undefined;
  readonly starts: 'if needed' | 'never';
}

export type ToolAnswer =
  | {readonly kind: 'credential'; readonly username: string; readonly password: string}
  /** Not for us. */
  | {readonly kind: 'none'}
  /** The organization is not configured; another program may know it. */
  | {readonly kind: 'uncovered'; readonly error: string; readonly hint: string}
  /** Lines for the user. */
  | {readonly kind: 'failed'; readonly error: string; readonly hint: string | undefined};

/** Asks the daemon on behalf of a tool. Never rejects. */
export async function askDaemon(request: ToolRequest): Promise<ToolAnswer> {
  const text = encode(request);
  let answer = await ask(text);
  if (answer.kind === 'absent' && request.starts === 'if needed' && (await startService()))
    answer = await ask(text);
  if (answer.kind === 'answered' && answer.text.startsWith('orgkey=1\n')) return read(answer.text);
  if (request.starts === 'never') return {kind: 'none'};
  return answer.kind === 'silent'
    ? {
        kind: 'failed',
        error: 'the orgkey daemon hangs: it has not answered for 10 seconds',
        hint: 'restart it: orgkey service restart',
      }
    : {
        kind: 'failed',
        error: 'the orgkey daemon does not answer',
        hint: 'start it: orgkey service start',
      };
}

function ask(text: string): ReturnType<typeof askSocket> {
  const surrounding = {
    environment: process.env,
    uid: process.getuid?.() ?? 0,
    home: homeDirectory(process.env),
  };
  const directory = runtimeDirectoryOfDaemon(surrounding, machineFiles);
  if (directory === undefined) return Promise.resolve({kind: 'absent'});
  return askSocket(join(directory, 'git.sock'), text, TIME_BUDGET.toolPatience);
}

function encode({action, tool, address, password}: ToolRequest): string {
  const lines = [
    `action=${action}`,
    'timeout=0',
    `tool=${tool}`,
    `address=${address}`,
    ...(action === 'get' ? ['explain=1'] : []),
    ...(password === undefined ? [] : [`password=${password}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function read(answer: string): ToolAnswer {
  const values = new Map<string, string>();
  for (const line of Buffer.from(answer, 'latin1').toString('utf8').split('\n')) {
    const at = line.indexOf('=');
    const key = line.slice(0, at);
    // the first error is the cause
    if (at > 0 && !values.has(key)) values.set(key, line.slice(at + 1));
  }
  const password = values.get('password');
  if (password !== undefined)
    return {kind: 'credential', username: values.get('username') ?? 'orgkey', password};
  const error = values.get('orgkey-error');
  if (error !== undefined) return {kind: 'failed', error, hint: values.get('orgkey-hint')};
  const uncovered = values.get('orgkey-uncovered');
  if (uncovered === undefined) return {kind: 'none'};
  return {
    kind: 'uncovered',
    error: `${uncovered} is not configured`,
    hint: `run: orgkey org add ${uncovered}`,
  };
}

/** Starts the service, as git's helper does. Returns whether it is worth asking again. */
function startService(): Promise<boolean> {
  const main = process.argv[1];
  if (process.env['ORGKEY_NO_START'] || main === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, 'service', 'start'], {stdio: 'ignore'});
    child.once('error', () => resolve(false)).once('exit', (code) => resolve(code !== 1));
  });
}
