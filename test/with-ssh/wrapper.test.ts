import {spawnSync} from 'node:child_process';
import {createServer} from 'node:net';
import {once} from 'node:events';
import {mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';

import test, {type ExecutionContext} from 'ava';

import {shellScript} from '../../scripts/shell-script.ts';
import {homeFor} from '../helpers/git-home.ts';
import {testUnless} from '../helpers/test-unless.ts';
import {sshWrapper as wrapper} from '../helpers/program.ts';

/**
 * Starts a home with an ssh that shows its arguments, and a daemon that gives these answers and shows the questions.
 * After the last of several answers, it closes each connection without one.
 */
async function setUp(t: ExecutionContext, ...answers: readonly string[]) {
  const home = homeFor(t);
  home.write('bin/ssh', '#!/bin/sh\nprintf "[%s]" "$@"\npwd -P >&2\nexit 7\n', 0o755);
  const questions: string[] = [];
  const server = createServer({allowHalfOpen: true}, (socket) => {
    void text(socket).then((question) => {
      questions.push(question);
      const [only = 'orgkey=1\n', ...more] = answers;
      socket.end(more.length === 0 ? only : (answers[questions.length - 1] ?? ''));
    });
  });
  const runtime = join(home.directory, 'run 100% ${HOME}');
  mkdirSync(runtime);
  server.listen(join(runtime, 'git.sock'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  const run = (args: readonly string[], environment: Record<string, string> = {}, program = wrapper) =>
    home.run(program, args, {
      environment: {
        PATH: `${home.directory}/bin:${process.env['PATH'] ?? ''}`,
        ORGKEY_RUNTIME_DIR: runtime,
        ...environment,
      },
    });
  return {home, runtime, questions, run};
}

const asked = ['-o', 'SendEnv=GIT_PROTOCOL', 'git@ssh.dev.azure.com', "git-upload-pack 'v3/contoso/A%20B/c'"];

test('the question, line by line', async (t) => {
  const {home, run, questions} = await setUp(t);
  await run(['-p', '2222', '-4', ...asked]);
  t.deepEqual(questions, [
    `action=get\ntimeout=900\noperation=grant\ndestination=git@ssh.dev.azure.com\nport=2222\ncommand=git-upload-pack 'v3/contoso/A%20B/c'\noption=\ndirectory=${home.directory}\n`,
  ]);
});

test('a grant: the real ssh is a pipe, started where no name can be misread', async (t) => {
  const {run, runtime} = await setUp(t, 'orgkey=1\ndecision=grant\nsocket=ssh/abc\n');
  const {code, stdout, stderr} = await run(asked);
  t.is(
    stdout,
    ['-F', 'none', '-T', '-S', 'ssh/abc', '-O', 'proxy', '-o', 'ProxyCommand=false', ...asked]
      .map((arg) => `[${arg}]`)
      .join(''),
  );
  t.is(stderr, `${runtime}\n`);
  t.is(code, 7);
});

test('a denial: its reason, its hint, and git’s exit code', async (t) => {
  const {run} = await setUp(
    t,
    'orgkey=1\ndecision=deny\norgkey-error=no pushing\norgkey-hint=use HTTPS $(id) `id`\n',
  );
  t.deepEqual(await run(asked), {
    code: 128,
    stdout: '',
    stderr: 'orgkey: error: no pushing\norgkey: hint: use HTTPS $(id) `id`\n',
  });
});

const forNow =
  'orgkey=1\ndecision=deny\nretry=1\norgkey-error=the daemon is about to end\norgkey-hint=try again\n';

for (const name of ['dash', 'bash']) {
  const isThere = spawnSync(name, ['-c', ':']).status === 0;
  const withShell = testUnless(isThere ? undefined : `there is no ${name}`);

  withShell(`a denial for now, through ${name}: the next daemon is asked, and nothing is said`, async (t) => {
    const granted = 'orgkey=1\ndecision=grant\nsocket=ssh/abc\n';
    const {run, runtime, questions} = await setUp(t, forNow, forNow, granted);
    const {code, stdout, stderr} = await run([wrapper, ...asked], {}, name);
    t.regex(stdout, /^\[-F\]\[none\]\[-T\]\[-S\]\[ssh\/abc\]/);
    t.is(stderr, `${runtime}\n`);
    t.is(code, 7);
    t.is(questions.length, 3);
    t.is(new Set(questions).size, 1);
  });

  withShell(`a denial for now, through ${name}, with no daemon after it, stays one`, async (t) => {
    const {run, questions} = await setUp(t, forNow, forNow);
    t.deepEqual(await run([wrapper, ...asked], {ORGKEY_NO_START: '1'}, name), {
      code: 128,
      stdout: '',
      stderr: 'orgkey: error: the daemon is about to end\norgkey: hint: try again\n',
    });
    t.true(questions.length > 2);
  });
}

test('a denial for now that does not end is a denial', async (t) => {
  const {run, questions} = await setUp(t, forNow);
  const {code, stderr} = await run(asked);
  t.is(code, 128);
  t.is(stderr, 'orgkey: error: the daemon is about to end\norgkey: hint: try again\n');
  t.is(questions.length, 4);
});

test('a pass: the real ssh, with its arguments as they were', async (t) => {
  const {run} = await setUp(t);
  const {code, stdout} = await run(asked);
  t.is(stdout, asked.map((arg) => `[${arg}]`).join(''));
  t.is(code, 7);
});

const notGit: readonly (readonly string[])[] = [
  [],
  ['-G', 'git@ssh.dev.azure.com'],
  ['-V'],
  ['git@ssh.dev.azure.com'],
  ['-i'],
  ['-o', 'SendEnv=GIT_PROTOCOL', 'git@ssh.dev.azure.com'],
  ['-p', '22 ', 'git@ssh.dev.azure.com', "git-upload-pack 'a'"],
  ['-o', 'SendEnv=GIT_PROTOCOL', '-oProxyCommand=x', "git-upload-pack 'a'"],
  ['git@ssh.dev.azure.com', 'git-upload-pack', "'a'"],
  ['git@ssh.dev.azure.com', "git-upload-pack 'a\noperation=store'"],
  ['git@ssh.dev.azure.com\nx', "git-upload-pack 'a'"],
  ['git@ssh.dev.azure.com', ''],
  ['a b', '$(touch pwned)', '`touch pwned`', '*', "'", '"', '\\'],
];

for (const args of notGit)
  test(`${JSON.stringify(args)} is not git's, so the real ssh runs at once`, async (t) => {
    const {run, questions} = await setUp(t, 'orgkey=1\ndecision=grant\nsocket=ssh/abc\n');
    const {code, stdout} = await run(args);
    t.is(stdout, args.length === 0 ? '[]' : args.map((arg) => `[${arg}]`).join(''));
    t.is(code, 7);
    t.deepEqual(questions, []);
  });

const options: readonly (readonly [args: readonly string[], port: string, option: string])[] = [
  [['-oControlMaster=yes', '-oControlPath=/tmp/a b'], '', ''],
  [['-oControlMaster=no', '-p', '2222', '-T', '--'], '2222', ''],
  [['-o', 'controlpath=/x', '-q', '-p22'], '22', '-o controlpath'],
  [['-vvv', '-4', '-o', 'BatchMode=yes', '-oControlPersist=5'], '', ''],
  [['-i', 'key'], '', '-i'],
  [['-ikey', '-J', 'jump'], '', '-i'],
  [['-o', 'ProxyCommand=x'], '', '-o ProxyCommand'],
  [['-oSendEnv=GIT_PROTOCOL', '-oProxyJump=a\nb'], '', '-o ProxyJump'],
  [['-o', 'Host Name=x'], '', '-o'],
  [['-Zunheard', '-A'], '', '-Z'],
];

for (const [args, port, option] of options)
  test(`${JSON.stringify(args)} does not keep the wrapper from asking`, async (t) => {
    const denial = 'orgkey=1\ndecision=deny\norgkey-error=no LFS\n';
    const {run, questions} = await setUp(t, denial);
    const lfs = 'git-lfs-transfer v3/contoso/Lib/lib download';
    const {code, stderr} = await run([...args, 'git@ssh.dev.azure.com', lfs]);
    t.is(code, 128);
    t.is(stderr, 'orgkey: error: no LFS\n');
    const [question = ''] = questions;
    const sent = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(question)?.[1];
    t.deepEqual([sent('port'), sent('option'), sent('command')], [port, option.trim(), lfs]);
  });

test('a granted connection has none of the options of the caller', async (t) => {
  const {run} = await setUp(t, 'orgkey=1\ndecision=grant\nsocket=ssh/abc\n');
  const {stdout} = await run(['-oControlMaster=yes', '-oControlPath=/x', '-p', '22', ...asked]);
  t.false(stdout.includes('Control'), stdout);
  t.true(stdout.endsWith(asked.map((arg) => `[${arg}]`).join('')), stdout);
});

test('called ssh itself and first on the PATH, it still finds the real one', async (t) => {
  const {home, run} = await setUp(t);
  mkdirSync(join(home.directory, 'first'));
  symlinkSync(wrapper, join(home.directory, 'first/ssh'));
  const environment = {
    PATH: `:relative:${home.directory}/first:${home.directory}/bin:${process.env['PATH'] ?? ''}`,
    ORGKEY_SSH: join(home.directory, 'first/ssh'),
  };
  const {stdout} = await run(['-V'], environment, join(home.directory, 'first/ssh'));
  t.is(stdout, '[-V]');
});

/** Shows its name and its arguments; git asks with -G whether it is OpenSSH. */
function show(name: string): string {
  return `#!/bin/sh\n[ "$1" = -G ] && exit\nprintf '%s: %s\\n' '${name}' "$*" >&2\nexit 7\n`;
}

const ownSsh: readonly {
  readonly title: string;
  /** `~` is the home, also where no shell would replace it. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly runs: string;
}[] = [
  {title: 'none', runs: 'ssh'},
  {
    title: 'core.sshCommand, a line for a shell',
    settings: {'core.sshCommand': `'~/my own' -i ~/.ssh/work -o "A=$HOME"`},
    runs: 'my own: -i ~/.ssh/work -o A=~',
  },
  {
    title: 'core.sshCommand, before GIT_SSH',
    settings: {'core.sshCommand': 'ssh -v'},
    environment: {GIT_SSH: '~/my own'},
    runs: 'ssh: -v',
  },
  {
    title: 'core.sshCommand for a directory of work',
    settings: {'core.sshCommand': 'ssh -v', 'includeIf.gitdir:~/work/.path': '~/work.gitconfig'},
    runs: 'my own: -w',
  },
  {title: 'GIT_SSH, a program', environment: {GIT_SSH: '~/my own'}, runs: 'my own'},
];

for (const {title, settings = {}, environment = {}, runs} of ownSsh)
  test(`what is passed goes where git goes without us: ${title}`, async (t) => {
    const {home, runtime} = await setUp(t);
    const inHome = (text: string) => text.replaceAll('~', home.directory);
    home.write('my own', show('my own'), 0o755);
    home.write('bin/ssh', show('ssh'), 0o755);
    home.write('work.gitconfig', `[core]\n\tsshCommand = "'${home.directory}/my own' -w"\n`);
    for (const [key, value] of Object.entries(settings))
      await home.succeed(['config', '--global', key, inHome(value)]);
    await home.useWrapper();
    await home.succeed(['init', '-q', 'work/app']);
    await home.succeed(['init', '-q', '--bare', 'work/app/.git/modules/lib']);
    const options = {
      cwd: 'work/app',
      environment: {
        PATH: `${home.directory}/bin:${process.env['PATH'] ?? ''}`,
        ORGKEY_RUNTIME_DIR: runtime,
        GIT_SSH_VARIANT: 'ssh',
        ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, inHome(value)])),
      },
    };
    const ls = ['ls-remote', 'ssh://git@github.com:2222/a/b'];
    const atTop = await home.git(ls, options);
    t.is(
      atTop.stderr.split(' -o SendEnv=GIT_PROTOCOL -p 2222')[0],
      inHome(runs.includes(':') ? runs : `${runs}:`),
    );
    t.deepEqual(await home.git(['--git-dir', '.git/modules/lib', ...ls], options), atTop);
    // what is the superproject's alone does not count in its submodules
    await home.succeed(['config', 'core.sshCommand', 'false'], {cwd: 'work/app'});
    const {stderr} = await home.git(['submodule', '--quiet', 'add', ls[1] ?? '', 'other'], options);
    t.is(stderr.split('\n')[0], atTop.stderr.split('\n')[0]);
  });

test('without the script, git runs what it would run without orgkey', async (t) => {
  const {home} = await setUp(t);
  home.write('bin/ssh', show('ssh'), 0o755);
  home.write('my own', show('my own'), 0o755);
  await home.useWrapper('/nowhere/orgkey-ssh');
  await home.succeed(['init', '-q', '--bare', 'app/.git/modules/lib']);
  const environment = {PATH: `${home.directory}/bin:${process.env['PATH'] ?? ''}`};
  const ls = ['--git-dir', 'app/.git/modules/lib', 'ls-remote', 'ssh://git@github.com/a/b'];
  t.regex((await home.git(ls, {environment})).stderr, /^ssh: /);
  const own = {...environment, GIT_SSH: `${home.directory}/my own`};
  t.regex((await home.git(ls, {environment: own})).stderr, /^my own: /);
});

test('a setting of the repository is never taken for one of the user', async (t) => {
  const {home, runtime} = await setUp(t);
  home.write('bin/ssh', show('ssh'), 0o755);
  await home.succeed(['init', '-q', 'hostile']);
  const value = 'x\nglobal\ttouch ~/MARK; false\nsystem\ttouch ~/MARK; false';
  await home.succeed(['config', 'core.sshCommand', value.replaceAll('~', home.directory)], {cwd: 'hostile'});
  const environment = {
    PATH: `${home.directory}/bin:${process.env['PATH'] ?? ''}`,
    ORGKEY_RUNTIME_DIR: runtime,
    GIT_SSH_COMMAND: wrapper.replaceAll(' ', '\\ '),
    GIT_SSH_VARIANT: 'ssh',
  };
  const clone = ['clone', 'git@host.example:a/b', '../elsewhere'];
  t.regex((await home.git(clone, {cwd: 'hostile', environment})).stderr, /^ssh: -o SendEnv/m);
  t.false(home.has('MARK'));
  // a value of the user's own is used with all its lines
  await home.succeed(['config', '--global', 'core.sshCommand', `printf 'own\n'; :\nssh -v`]);
  t.regex((await home.git(clone, {cwd: 'hostile', environment})).stderr, /^ssh: -v -o SendEnv/m);
  // and one of their second file
  await home.succeed(['config', '--global', '--unset', 'core.sshCommand']);
  home.write('.config/git/config', '[core]\n\tsshCommand = ssh -x\n');
  t.regex((await home.git(clone, {cwd: 'hostile', environment})).stderr, /^ssh: -x -o SendEnv/m);
});

test('an own ssh that leads back to the wrapper gets the real ssh', async (t) => {
  const {home, run} = await setUp(t);
  mkdirSync(join(home.directory, 'first'));
  symlinkSync(wrapper, join(home.directory, 'first/ssh'));
  await home.succeed(['config', '--global', 'core.sshCommand', 'ssh -v']);
  const environment = {PATH: `${home.directory}/first:${home.directory}/bin:${process.env['PATH'] ?? ''}`};
  t.is((await run(asked, environment)).stdout, ['-v', ...asked].map((arg) => `[${arg}]`).join(''));
  await home.succeed(['config', '--global', '--unset', 'core.sshCommand']);
  for (const GIT_SSH of [wrapper, join(home.directory, 'first/ssh')])
    t.is((await run(asked, {...environment, GIT_SSH})).stdout, asked.map((arg) => `[${arg}]`).join(''));
});

test('Dropbear as ssh is named, and OpenSSH from a variable is used', async (t) => {
  const {home, run} = await setUp(t, 'orgkey=1\ndecision=grant\nsocket=ssh/abc\n');
  home.write('dropbear/dbclient', '#!/bin/sh\necho dropbear\n', 0o755);
  symlinkSync('dbclient', join(home.directory, 'dropbear/ssh'));
  const PATH = `${home.directory}/dropbear:${process.env['PATH'] ?? ''}`;
  const {code, stdout, stderr} = await run(asked, {PATH});
  t.is(code, 127);
  t.is(stdout, '');
  t.regex(stderr, /^orgkey: error: .*\/ssh is Dropbear.*\norgkey: hint: /);
  t.is((await run(asked, {PATH, ORGKEY_SSH: join(home.directory, 'bin/ssh')})).code, 7);
});

test('without an ssh, the wrapper fails with a message', async (t) => {
  const {home, run} = await setUp(t);
  const {code, stderr} = await run(['-V'], {PATH: `${home.directory}/nothing`});
  t.is(code, 127);
  t.regex(stderr, /^orgkey: error: no ssh on the PATH$/m);
});

test('the wrapper works in a directory with blanks, quotes and dollars', async (t) => {
  const {home, run} = await setUp(t, 'orgkey=1\ndecision=deny\norgkey-error=seen\n');
  const copy = home.write("it's $HOME/orgkey-ssh", shellScript('orgkey-ssh'), 0o755);
  t.is((await run(asked, {}, copy)).stderr, 'orgkey: error: seen\n');
});
