// For programs that run as root on a disposable machine with its own systemd: see system-machine.ts.
import {spawn} from 'node:child_process';
import {appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {setTimeout as wait} from 'node:timers/promises';
import {askForCredential} from './ask-for-credential.ts';

/** `alone` is not in any group that matters. */
const people = {member: 5001, builder: 5002, alone: 5003} as const;
export type Name = keyof typeof people | 'root';

/** Prepares a machine without orgkey, with users on it. `path` comes first on each user's PATH. */
export async function prepareMachine(path: string): Promise<void> {
  // the variables of the test run are not for this machine
  for (const name of Object.keys(process.env))
    if (/proxy|SSL|CERT|CURL|GIT_|^XDG_/i.test(name)) delete process.env[name];
  process.env['HOME'] = '/root';
  process.env['PATH'] = `${path}:/usr/bin:/bin:/usr/sbin:/sbin`;
  appendFileSync('/etc/group', `builders:x:5100:builder\n`);
  for (const [name, id] of Object.entries(people)) {
    appendFileSync('/etc/passwd', `${name}:x:${id}:${id}::/home/${name}:/bin/sh\n`);
    appendFileSync('/etc/group', `${name}:x:${id}:\n`);
    mkdirSync(`/home/${name}`);
  }
  for (const [name, id] of Object.entries(people))
    await run('root', ['chown', `${id}:${id}`, `/home/${name}`]);
  mkdirSync('/etc/orgkey');
  mkdirSync('/etc/sysusers.d', {recursive: true});
  rmSync('/etc/gitconfig', {force: true});
  rmSync('/root/.local', {recursive: true, force: true});
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a command as a user, with the groups that they have now. */
export function run(
  who: Name,
  command: readonly string[],
  {environment = {}, input = ''}: Surroundings = {},
): Promise<Ran> {
  const home = who === 'root' ? '/root' : `/home/${who}`;
  const as = who === 'root' ? [] : ['setpriv', '--reuid', who, '--regid', who, '--init-groups', '--'];
  const [program = '', ...args] = [...as, ...command];
  const PATH = process.env['PATH'] ?? '';
  const child = spawn(program, args, {
    cwd: home,
    env: {PATH, HOME: home, LC_ALL: 'C', NODE_NO_WARNINGS: '1', ...environment},
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdin.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({code, stdout, stderr}));
  });
}

export function git(
  who: Name,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = '',
): Promise<Ran> {
  return run(who, ['git', ...args], {environment: {GIT_TERMINAL_PROMPT: '0', ...environment}, input});
}

export function systemctl(...args: readonly string[]): Promise<Ran> {
  return run('root', ['systemctl', ...args]);
}

/** Runs the scenario of this name and prints its result as one line of JSON. */
export async function play(
  scenarios: Readonly<Record<string, () => Promise<unknown>>>,
  name: string,
): Promise<never> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`unknown scenario: ${name}`);
  console.log(JSON.stringify(await scenario()));
  process.exit(0);
}

/** Sets the machine's service up with a personal access token. `orgkey` runs the command as root. */
export async function setUpWithPat(orgkey: (args: readonly string[]) => Promise<Ran>): Promise<Ran> {
  mkdirSync('/etc/orgkey', {recursive: true});
  writeFileSync(PAT_FILE, PAT, {mode: 0o600});
  const done = await orgkey(['setup', '--system', '--organization', 'contoso', '--pat-file', PAT_FILE]);
  if (done.code !== 0) throw new Error(done.stderr);
  return done;
}

export const PAT = 'p'.repeat(52);
export const PAT_FILE = '/etc/orgkey/pat';

export async function mainPid(): Promise<string> {
  return (await systemctl('show', '-P', 'MainPID', 'orgkey.service')).stdout.trim();
}

/** Asks for a credential over and over while `act` runs. Returns how often each answer came, and the result of `act`. */
export async function underRequests<T>(
  clients: number,
  act: (counts: Readonly<Record<string, number>>) => Promise<T>,
): Promise<{readonly counts: Readonly<Record<string, number>>; readonly result: T}> {
  const over = new AbortController();
  const counts: Record<string, number> = {};
  const asking = Array.from({length: clients}, async () => {
    while (!over.signal.aborted) {
      const answer = await askForCredential('/run/orgkey/git.sock', 'contoso');
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
  });
  const result = await act(counts);
  over.abort();
  await Promise.all(asking);
  return {counts, result};
}

/** Returns the lines that an installation left on the machine, and those that it took away. */
export async function difference(before: ReadonlySet<string>, ignored = /^$/) {
  const now = await tree();
  return {
    left: [...now].filter((line) => !before.has(line) && !ignored.test(line)),
    lost: [...before].filter((line) => !now.has(line) && !ignored.test(line)),
  };
}

/** Returns lines such as `/run/orgkey drwxr-xr-x root:root`. */
export async function modes(paths: readonly string[]): Promise<readonly string[]> {
  const {stdout} = await run('root', ['stat', '--format=%n %A %U:%G', ...paths]);
  return stdout.trim().split('\n');
}

/** Lists everything on the machine that an installation could leave behind. */
export async function tree(): Promise<ReadonlySet<string>> {
  const places = [
    '/etc',
    '/home',
    '/root',
    '/run',
    '/var/lib',
    '/usr/bin',
    '/usr/lib/systemd',
    '/usr/lib/sysusers.d',
  ];
  const {stdout} = await run('root', ['find', ...places, '-xdev', '-printf', '%p %M %U\n']);
  const passing =
    /^\/run\/(?:systemd|log)|^\/etc\/(?:passwd|group|g?shadow|subuid|subgid|\.pwd)|^\/var\/lib\/orgkey-test-/;
  const found = stdout.split('\n').filter((line) => !passing.test(line));
  const users = ['passwd', 'group'].flatMap((file) => read(`/etc/${file}`).split('\n'));
  return new Set([...found, ...users.filter((line) => line.startsWith('orgkey'))]);
}

export function directory(path: string): string {
  mkdirSync(path);
  chmodSync(path, 0o755);
  return path;
}

export function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : 'no such file';
}

/** Polls until a condition holds. @throws after a minute. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 50) {
    if (waited > 60_000) throw new Error(`this never became true: ${isSo.toString()}`);
    await wait(50);
  }
}
