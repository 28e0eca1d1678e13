import test, {type ExecutionContext} from 'ava';
import {isUtf8} from 'node:buffer';
import {execFileSync, spawnSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {createServer, type Socket} from 'node:net';
import {once} from 'node:events';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {shellScript} from '../../scripts/shell-script.ts';
import {helperValue} from '../../src/git/setting.ts';
import {TIME_BUDGET} from '../../src/time-budget.ts';
import {RequestError, parseRequest, type Request} from '../../src/protocol/request.ts';
import {CLIENT_SCRIPTS} from '../../src/places/client-scripts.ts';
import {shells} from '../helpers/shells.ts';
import {homeFor} from '../helpers/git-home.ts';
import {leaveDeadSocket} from '../helpers/leave-dead-socket.ts';
import {hostileRequests} from '../protocol/hostile-requests.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

/** Only root can run processes as another user. */
const asRoot = testUnless(whyNotRoot);

const shell = join(import.meta.dirname, '../../src/shell');

for (const name of CLIENT_SCRIPTS)
  test(`${name} is plain POSIX shell, evaluates no text, and is one file once it is built`, (t) => {
    const built = shellScript(name);
    t.notThrows(() => execFileSync('sh', ['-n'], {input: built}));
    // in the C locale yash reads nothing else
    t.regex(built, /^[\n\x20-\x7e]+$/);
    t.notRegex(built, /\beval\b|\becho\b|\[\[|\bnode\b|find-daemon|readlink/);
    for (const shared of [
      'enter_trusted',
      'enter_runtime_directory',
      'ask_daemon',
      'find_orgkey',
      'start_service',
    ]) {
      t.truthy(functionIn(built, shared), shared);
      t.is(functionIn(readFileSync(join(shell, name), 'utf8'), shared), undefined, shared);
    }
  });

test('the scripts of a checkout run directly and through a link', (t) => {
  const home = homeFor(t);
  for (const [name, ...args] of [
    ['git-credential-orgkey', 'get'],
    ['orgkey-ssh', '-V'],
  ] as const) {
    symlinkSync(join(shell, name), join(home.directory, name));
    for (const program of [join(shell, name), join(home.directory, name)]) {
      const {status, stderr} = spawnSync(program, args, {
        env: {...home.environment, ORGKEY_NO_START: '1', ORGKEY_RUNTIME_DIR: '/nonexistent'},
        input: '\n',
        encoding: 'utf8',
      });
      t.is(status, 0, stderr);
      t.notRegex(stderr, /find-daemon|not found/);
    }
  }
});

for (const [way, line] of [
  ['read by the shell that git starts', helperValue],
  ['run as a program', (script: string) => helperValue(script).replace(/^!script=(.*); f\(\).*$/, '!$1')],
] as const) {
  for (const place of ['plain', "a person's $HOME; with (marks) & `such`"]) {
    test(`the command next to the script, ${way}, starts the service (in ${place})`, (t) => {
      const home = homeFor(t);
      const script = home.write(
        `${place}/git-credential-orgkey`,
        shellScript('git-credential-orgkey'),
        0o755,
      );
      home.write(`${place}/orgkey`, '#!/bin/sh\nprintf "%s\\n" "$*" >> "$HOME/started"\n', 0o755);
      const runtime = {
        ORGKEY_RUNTIME_DIR: leaveDeadSocket(home.directory),
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
  test(`${operation} of ${lines.slice(1).join(', ')}: the daemon is ${isAsked ? '' : 'not '}asked`, (t) => {
    const home = homeFor(t);
    const script = home.write('bin/git-credential-orgkey', shellScript('git-credential-orgkey'), 0o755);
    home.write('bin/orgkey', '#!/bin/sh\ntouch "$HOME/asked"\n', 0o755);
    const {status} = spawnSync(script, [operation], {
      env: {
        ...home.environment,
        ORGKEY_RUNTIME_DIR: leaveDeadSocket(home.directory),
      },
      input: `${lines.join('\n')}\n\n`,
    });
    t.is(status, 0);
    t.is(home.has('asked'), isAsked, 'a daemon that does not answer is started');
  });
}

/** What git's cache client writes before git's request. */
const head = 'action=get\ntimeout=900\n';

/** Returns a request as the daemon reads it. `invalid`: it rejects the bytes, or gets nothing. */
function readFrom(said: Uint8Array): Request | 'invalid' {
  try {
    return parseRequest(Buffer.concat([Buffer.from(head), said]));
  } catch (error) {
    if (error instanceof RequestError) return 'invalid';
    throw error;
  }
}

for (const {name, program, first, whyNot} of shells) {
  testUnless(whyNot)(`through ${name}, the daemon reads exactly what git wrote`, async (t) => {
    const home = homeFor(t);
    home.write('bin/git', '#!/bin/sh\ncat > "$HOME/said"\necho orgkey=1\n', 0o755);
    const server = createServer().listen(join(home.directory, 'git.sock'));
    await once(server, 'listening');
    t.teardown(() => void server.close());
    const rows = hostileRequests.filter(({title}) => /^(?:lines|bytes|twice): /.test(title));
    for (const {title, bytes} of rows) {
      const text = Buffer.from(bytes);
      // some shells drop a NUL, others end the text there
      if (!text.subarray(0, head.length).equals(Buffer.from(head)) || text.includes(0)) continue;
      // it cannot read other bytes in a UTF-8 locale, and passes
      if (name === 'yash' && !isUtf8(text)) continue;
      const said = text.subarray(head.length);
      home.write('said', '');
      spawnSync(program, [...first, join(shell, 'git-credential-orgkey'), 'get'], {
        env: {
          ...home.environment,
          PATH: `${join(home.directory, 'bin')}:${home.environment['PATH']}`,
          ORGKEY_RUNTIME_DIR: home.directory,
          LC_ALL: 'C.UTF-8',
        },
        input: said,
      });
      const sent = readFileSync(join(home.directory, 'said'), 'latin1').replace(/^explain=1\n/, '');
      t.deepEqual(readFrom(Buffer.from(sent, 'latin1')), readFrom(said), title);
    }
  });
}

/** Runs only the lookup, as a user. */
function findSocket(environment: Record<string, string>, uid: number): string {
  const text = `${['enter_trusted', 'enter_runtime_directory'].map((name) => functionIn(shellScript('git-credential-orgkey'), name)).join('\n')}
enter_runtime_directory && printf '%s' "$PWD/git.sock"`;
  return spawnSync('sh', ['-c', text], {
    env: {PATH: process.env['PATH'], ...environment},
    uid,
    gid: uid,
    encoding: 'utf8',
  }).stdout;
}

test('a FIFO where the socket or the note of services is hangs no script', (t) => {
  const home = homeFor(t);
  for (const name of ['git.sock', 'runtime-directory']) execFileSync('mkfifo', [join(home.directory, name)]);
  const places = {ORGKEY_RUNTIME_DIR: home.directory, ORGKEY_STATE_DIR: home.directory};
  for (const [name, ...args] of [
    ['git-credential-orgkey', 'get'],
    ['orgkey-token', 'contoso'],
    ['orgkey-ssh', '-p', '1', 'git@127.0.0.1', 'git-upload-pack x'],
  ] as const) {
    const {signal, error, stderr} = spawnSync(join(shell, name), args, {
      env: {...home.environment, ...places, ORGKEY_NO_START: '1', ORGKEY_SSH: '/bin/false'},
      input: 'protocol=https\nhost=dev.azure.com\npath=contoso/a\n\n',
      encoding: 'utf8',
      timeout: 30_000,
    });
    t.is(error, undefined, name);
    t.is(signal, null);
    t.regex(stderr, /daemon does not answer/, name);
  }
});

asRoot('a daemon is found in trusted directories only', async (t) => {
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
  t.is(find({ORGKEY_RUNTIME_DIR: join(base, 'named')}), at('named'), 'a directory that the variable names');
  t.is(
    find({ORGKEY_RUNTIME_DIR: join(base, 'empty'), XDG_RUNTIME_DIR: join(base, 'session')}),
    at('session/orgkey'),
  );
  t.is(find({TMPDIR: base}), at(`orgkey-${uid}`));
  const record = (...directories: readonly string[]) => {
    mkdirSync(join(base, 'state'), {recursive: true});
    writeFileSync(join(base, 'state/runtime-directory'), `${directories.join('\n')}\n`);
    return find({ORGKEY_STATE_DIR: join(base, 'state')});
  };
  t.is(record(join(base, 'session/orgkey')), at('session/orgkey'), 'where the service said that it is');
  t.is(record(join(base, 'other/orgkey')), '', 'what is recorded is checked too');
  t.is(
    record(join(base, 'gone'), join(base, 'other/orgkey'), join(base, 'session/orgkey')),
    at('session/orgkey'),
    'the first that is there and ours',
  );
  t.is(find({}), '');
});

for (const {name, program, first, whyNot} of shells) {
  const withShell = testUnless(whyNot);

  /** Starts a server that does gives this answer or hangs, and a script with this shell. */
  const converse = async (t: ExecutionContext, script: string, args: readonly string[], answer?: string) => {
    const home = homeFor(t);
    // ends as soon as the client is connected, at the latest with the test
    home.write(
      'bin/sleep',
      '#!/bin/sh\nwhile [ -d "$HOME" ] && ! [ -e "$HOME/connected" ]; do :; done\n',
      0o755,
    );
    home.write('bin/ssh', '#!/bin/sh\necho plain\n', 0o755);
    const open = new Set<Socket>();
    const server = createServer({allowHalfOpen: true}, (socket) => {
      open.add(socket.on('error', () => undefined));
      if (answer === undefined) home.write('connected', '');
      else socket.end(answer);
    }).listen(join(home.directory, 'git.sock'));
    await once(server, 'listening');
    t.teardown(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    return home.run(program, [...first, join(shell, script), ...args], {
      input: 'protocol=https\nhost=dev.azure.com\n\n',
      environment: {
        PATH: `${join(home.directory, 'bin')}:${home.environment['PATH']}`,
        ORGKEY_RUNTIME_DIR: home.directory,
        ORGKEY_NO_START: '1',
        // what git sets for its children
        GIT_DIR: '.git',
      },
    });
  };
  const hangs = 'orgkey: error: the orgkey daemon hangs: it has not answered for 10 seconds\n';

  withShell(`through ${name}, a daemon that hangs is reported`, async (t) => {
    const {code, stderr} = await converse(t, 'git-credential-orgkey', ['get']);
    t.is(code, 0);
    t.true(stderr.startsWith(hangs), stderr);
    const command = "git-upload-pack 'v3/contoso/Web/lib'";
    const services = await converse(t, 'orgkey-ssh', ['git@ssh.dev.azure.com', command]);
    t.is(services.code, 128, services.stdout);
    t.true(services.stderr.startsWith(hangs), services.stderr);
    const elsewhere = await converse(t, 'orgkey-ssh', ['git@github.com', command]);
    t.is(elsewhere.stdout, 'plain\n');
    t.regex(elsewhere.stderr, /^orgkey: hint: the orgkey daemon hangs: .*, so plain ssh runs; /);
  });

  withShell(`through ${name}, the answer of a daemon is passed on`, async (t) => {
    const {stdout} = await converse(
      t,
      'git-credential-orgkey',
      ['get'],
      'orgkey=1\nusername=a\npassword=b\n',
    );
    t.is(stdout, 'username=a\npassword=b\n');
  });
}

test('the scripts wait for as long as the daemon may take to answer', (t) => {
  t.regex(shellScript('orgkey-ssh'), new RegExp(String.raw`\bsleep ${TIME_BUDGET.answer / 1000} &`));
});

function functionIn(script: string, name: string): string | undefined {
  return new RegExp(`^${name}\\(\\) \\{[^]*?^\\}`, 'm').exec(script)?.[0];
}
