import test from 'ava';
import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync} from 'node:fs';
import {createServer} from 'node:net';
import {once} from 'node:events';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {helperValue} from '../../src/git/setting.ts';
import {RequestError, parseRequest, type Request} from '../../src/protocol/request.ts';
import {GitHome} from '../helpers/git-home.ts';
import {hostileRequests} from '../protocol/hostile-requests.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

/** Only root can run processes as somebody else. */
const asRoot = testUnless(whyNotRoot);

const shell = join(import.meta.dirname, '../../src/shell');
const read = (script: string) => readFileSync(join(shell, script), 'utf8');

test('both scripts look for the daemon in the same words', (t) => {
  for (const name of ['trusted', 'find_socket', 'find_orgkey']) {
    const one = functionIn(read('git-credential-orgkey'), name);
    t.truthy(one);
    t.is(functionIn(read('orgkey-ssh'), name), one, name);
  }
});

test('both scripts are plain POSIX shell, and never evaluate text', (t) => {
  for (const script of ['git-credential-orgkey', 'orgkey-ssh']) {
    t.notThrows(() => execFileSync('sh', ['-n', join(shell, script)]));
    t.notRegex(read(script), /\beval\b|\becho\b|\[\[|\bnode\b/);
  }
});

for (const [way, line] of [
  ['read by the shell that git starts', helperValue],
  ['run as a program', (script: string) => helperValue(script).replace(/^!script=(.*); f\(\).*$/, '!$1')],
] as const) {
  for (const place of ['plain', "a person's $HOME; with (marks) & `such`"]) {
    test(`the service is started by the command beside the script, ${way}, below ${place}`, (t) => {
      const home = new GitHome();
      t.teardown(() => home.remove());
      const script = home.write(`${place}/git-credential-orgkey`, read('git-credential-orgkey'), 0o755);
      home.write(`${place}/orgkey`, '#!/bin/sh\nprintf "%s\\n" "$*" >> "$HOME/started"\n', 0o755);
      const runtime = {
        ORGKEY_RUNTIME_DIR: join(home.directory, 'nowhere'),
        XDG_RUNTIME_DIR: '',
        TMPDIR: home.directory,
      };
      const environment = {...home.environment, ...runtime, GIT_TERMINAL_PROMPT: '0', ORGKEY_NO_START: ''};
      const {stderr} = spawnSync('git', ['-c', `credential.helper=${line(script)}`, 'credential', 'fill'], {
        env: environment,
        input: 'protocol=https\nhost=dev.azure.com\n\n',
        encoding: 'utf8',
      });
      t.is(readFileSync(join(home.directory, 'started'), 'utf8'), 'service start\n');
      t.regex(stderr, /^orgkey: error: the orgkey daemon does not answer$/m);
    });
  }
}

const given = [
  'capability[]=state',
  'ephemeral=1',
  'protocol=https',
  'host=dev.azure.com',
  'state[]=orgkey.settled',
];

for (const [operation, lines, isAsked] of [
  ['store', given, false],
  ['store', given.filter((line) => !line.startsWith('ephemeral')), true],
  ['store', given.filter((line) => !line.startsWith('state[]')), true],
  ['store', [...given.slice(0, -1), 'state[]=orgkey.settled.not'], true],
  ['store', [...given.slice(0, -1), 'path=ephemeral=1/state[]=orgkey.settled'], true],
  ['get', given, true],
  ['erase', given, true],
] as const) {
  test(`${operation} of ${lines.slice(1).join(', ')}: the daemon is ${isAsked ? '' : 'not '}told`, (t) => {
    const home = new GitHome();
    t.teardown(() => home.remove());
    const script = home.write('bin/git-credential-orgkey', read('git-credential-orgkey'), 0o755);
    home.write('bin/orgkey', '#!/bin/sh\ntouch "$HOME/asked"\n', 0o755);
    const {status} = spawnSync(script, [operation], {
      env: {
        ...home.environment,
        ORGKEY_RUNTIME_DIR: '/nonexistent',
        XDG_RUNTIME_DIR: '',
        TMPDIR: home.directory,
      },
      input: `${lines.join('\n')}\n\n`,
    });
    t.is(status, 0);
    t.is(home.has('asked'), isAsked, 'whoever does not answer is started');
  });
}

/** What git says, behind what its cache client puts before it. */
const head = 'action=get\ntimeout=900\n';

/** A request as the daemon reads it; `refused` where it does not, or hears nothing. */
function readFrom(said: Uint8Array): Request | 'refused' {
  try {
    return parseRequest(Buffer.concat([Buffer.from(head), said]));
  } catch (error) {
    if (error instanceof RequestError) return 'refused';
    throw error;
  }
}

for (const name of ['dash', 'bash']) {
  const isThere = spawnSync(name, ['-c', ':']).status === 0;
  testUnless(isThere ? undefined : `there is no ${name}`)(
    `through ${name} the daemon reads what git said, and nothing more`,
    async (t) => {
      const home = new GitHome();
      t.teardown(() => home.remove());
      home.write('bin/git', '#!/bin/sh\ncat > "$HOME/said"\necho orgkey=1\n', 0o755);
      const server = createServer().listen(join(home.directory, 'git.sock'));
      await once(server, 'listening');
      t.teardown(() => void server.close());
      const rows = hostileRequests.filter(({title}) => /^(?:lines|bytes|twice): /.test(title));
      for (const {title, bytes} of rows) {
        const text = Buffer.from(bytes);
        // a NUL is dropped by some shells, and ends the text for others
        if (!text.subarray(0, head.length).equals(Buffer.from(head)) || text.includes(0)) continue;
        const said = text.subarray(head.length);
        home.write('said', '');
        spawnSync(name, [join(shell, 'git-credential-orgkey'), 'get'], {
          env: {
            ...home.environment,
            PATH: `${join(home.directory, 'bin')}:${home.environment['PATH']}`,
            ORGKEY_RUNTIME_DIR: home.directory,
            LC_ALL: 'C.UTF-8',
          },
          input: said,
        });
        t.deepEqual(readFrom(readFileSync(join(home.directory, 'said'))), readFrom(said), title);
      }
    },
  );
}

/** Runs the lookup alone, as a user. */
function findSocket(environment: Record<string, string>, uid: number): string {
  const text = `${['trusted', 'find_socket'].map((name) => functionIn(read('git-credential-orgkey'), name)).join('\n')}
find_socket && printf '%s' "$socket"`;
  return spawnSync('sh', ['-c', text], {
    env: {PATH: process.env['PATH'], ...environment},
    uid,
    gid: uid,
    encoding: 'utf8',
  }).stdout;
}

asRoot('a daemon is found where it may be, and nowhere that somebody else could have made', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'orgkey find '));
  t.teardown(() => rmSync(base, {recursive: true, force: true}));
  chmodSync(base, 0o755);
  const uid = 12_345;
  const place = async (name: string, owner: number) => {
    const directory = join(base, name);
    mkdirSync(directory, {mode: 0o755, recursive: true});
    const server = createServer().listen(join(directory, 'git.sock'));
    await once(server, 'listening');
    t.teardown(() => void server.close());
    chownSync(directory, owner, owner);
    return directory;
  };
  await place('session/orgkey', uid);
  await place('root/orgkey', 0);
  await place('other/orgkey', 54_321);
  await place(`orgkey-${uid}`, uid);
  await place('named', 54_321);
  mkdirSync(join(base, 'linked'));
  symlinkSync(join(base, 'session/orgkey'), join(base, 'linked/orgkey'));
  mkdirSync(join(base, 'empty'));

  const at = (name: string) => join(base, name, 'git.sock');
  const find = (environment: Record<string, string>) =>
    findSocket({TMPDIR: join(base, 'empty'), ...environment}, uid);
  t.is(find({XDG_RUNTIME_DIR: join(base, 'session')}), at('session/orgkey'));
  t.is(find({XDG_RUNTIME_DIR: join(base, 'root')}), at('root/orgkey'));
  t.is(find({XDG_RUNTIME_DIR: join(base, 'other')}), '', "another user's directory");
  t.is(find({XDG_RUNTIME_DIR: join(base, 'linked')}), '', 'a link');
  t.is(find({ORGKEY_RUNTIME_DIR: join(base, 'named')}), at('named'), 'whoever names it answers for it');
  t.is(
    find({ORGKEY_RUNTIME_DIR: join(base, 'empty'), XDG_RUNTIME_DIR: join(base, 'session')}),
    at('session/orgkey'),
  );
  t.is(find({TMPDIR: base}), at(`orgkey-${uid}`));
  t.is(find({}), '');
});

function functionIn(script: string, name: string): string | undefined {
  return new RegExp(`^${name}\\(\\) \\{[^]*?^\\}`, 'm').exec(script)?.[0];
}
