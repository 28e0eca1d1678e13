import {chmodSync, readFileSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {readSecret, SecretError} from '../../../src/config/value/read-secret.ts';
import {Secret} from '../../../src/secret/secret.ts';
import {goneProcess} from '../../helpers/gone-process.ts';
import {scratchDirectory} from '../../helpers/scratch-directory.ts';

type ReadSecretParts = Parameters<typeof readSecret>[1];

const parts: ReadSecretParts = {
  environment: {PATH: process.env['PATH']},
  readVault: () => Promise.reject(new Error('no vault')),
  loadKeyring: () => Promise.reject(new Error('not installed')),
};

function command(script: string, ...args: readonly string[]) {
  return {from: 'command', argv: ['/bin/sh', '-c', script, 'sh', ...args]} as const;
}

async function errorOf(t: ExecutionContext, promise: Promise<unknown>): Promise<SecretError> {
  const error = await t.throwsAsync(promise, {instanceOf: SecretError});
  if (error === undefined) throw new Error('nothing was thrown');
  return error;
}

test('what is held is given as a copy, which its owner may erase', async (t) => {
  const held = Secret.fromText('abc');
  const copy = await readSecret({from: 'held', secret: held}, parts);
  copy.erase();
  t.is(held.revealText(), 'abc');
});

test('a program’s output is trimmed', async (t) => {
  t.is((await readSecret(command('printf " a b\\r\\n\\n"'), parts)).revealText(), 'a b');
});

test('a program is run without a shell, with the environment that is given and no input', async (t) => {
  const secret = await readSecret(command('cat; printf "%s|%s|%s" "$1" "$HOME" "$ONE"', '$(id)'), {
    ...parts,
    environment: {...parts.environment, ONE: '1'},
  });
  t.is(secret.revealText(), '$(id)||1');
});

const failing: readonly (readonly [title: string, argv: readonly string[], message: RegExp])[] = [
  [
    'fails',
    ['/bin/sh', '-c', 'echo canary; echo canary >&2; exit 3'],
    /^the program of \$command failed: exit code 3$/,
  ],
  [
    'is ended',
    ['/bin/sh', '-c', 'echo canary; kill -9 $$'],
    /^the program of \$command failed: ended by SIGKILL$/,
  ],
  ['is not there', ['/not/there/canary'], /^the program of \$command cannot be started \(ENOENT\)$/],
  ['is not a program', ['/etc/passwd'], /^the program of \$command cannot be started \(EACCES\)$/],
  ['prints nothing', ['/bin/true'], /^the program of \$command printed nothing$/],
  ['prints blanks', ['/bin/echo', ' '], /^the program of \$command printed nothing$/],
  [
    'prints without end',
    ['/bin/sh', '-c', 'exec yes canary'],
    /^the program of \$command failed: it printed more than a secret$/,
  ],
];

for (const [title, argv, message] of failing) {
  test(`a program that ${title} is reported without its output`, async (t) => {
    const error = await errorOf(t, readSecret({from: 'command', argv}, parts));
    t.regex(error.message, message);
    t.notRegex(`${error.message} ${error.hint} ${error.stack}`, /canary\n|canary canary/);
    t.regex(error.code, /^ERR_SECRET_/);
  });
}

test('a program that takes too long ends with all that it started', async (t) => {
  const directory = scratchDirectory(t);
  const pid = join(directory, 'pid');
  const script = `sleep 600 & echo $! > '${pid}'; wait`;
  const error = await errorOf(t, readSecret(command(script), {...parts, timeLimit: 1000}));
  t.is(error.message, 'the program of $command failed: it took longer than 1 s');
  // it was killed, and is gone as soon as the kernel comes to it
  await t.notThrowsAsync(goneProcess(Number(readFileSync(pid, 'utf8'))));
});

test('a file that is larger than any secret is not read', async (t) => {
  const path = join(scratchDirectory(t), 'secret');
  writeFileSync(path, 'x', {mode: 0o600});
  truncateSync(path, 1024 * 1024);
  t.is((await readSecret({from: 'file', path}, parts)).length, 1024 * 1024);
  truncateSync(path, 1024 * 1024 + 1);
  const error = await errorOf(t, readSecret({from: 'file', path}, parts));
  t.is(error.message, `the file ${path} is larger than 1 MiB`);
});

test('the keyring’s module is asked for the entry of orgkey, and never the kernel’s keyring', async (t) => {
  const asked: unknown[] = [];
  class AsyncEntry {
    constructor(service: string, name: string, options: unknown) {
      asked.push(service, name, options);
    }
    getPassword() {
      return Promise.resolve('from the keyring\n');
    }
  }
  const secret = await readSecret(
    {from: 'keyring', name: 'contoso'},
    {...parts, loadKeyring: () => Promise.resolve({AsyncEntry})},
  );
  t.is(secret.revealText(), 'from the keyring');
  t.deepEqual(asked, ['orgkey', 'contoso', {linux: {store: 'secret-service'}}]);
});

test('a keyring’s module that does not answer is given up', async (t) => {
  class AsyncEntry {
    getPassword() {
      return new Promise(() => {});
    }
  }
  const never = {...parts, timeLimit: 10, loadKeyring: () => Promise.resolve({AsyncEntry})};
  const error = await errorOf(t, readSecret({from: 'keyring', name: 'contoso'}, never));
  t.is(error.code, 'ERR_SECRET_KEYRING');
  t.is(error.message, 'the keyring did not answer within 0.01 s');
});

/** Makes a directory with our own `secret-tool`. */
function secretTool(t: ExecutionContext, script: string): ReadSecretParts {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'secret-tool'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'secret-tool'), 0o755);
  return {...parts, environment: {PATH: `${directory}:/bin:/usr/bin`}};
}

test('without the module, secret-tool is asked', async (t) => {
  const tool = secretTool(t, 'printf "%s " "$@"');
  const secret = await readSecret({from: 'keyring', name: 'a b'}, tool);
  t.is(secret.revealText(), 'lookup service orgkey username a b');
});

test('a module without the entry may look elsewhere: secret-tool is asked as well', async (t) => {
  class AsyncEntry {
    getPassword() {
      return Promise.resolve(undefined);
    }
  }
  const tool = {...secretTool(t, 'echo x'), loadKeyring: () => Promise.resolve({AsyncEntry})};
  t.is((await readSecret({from: 'keyring', name: 'a'}, tool)).revealText(), 'x');
});

test('a keyring without the entry, or without a keyring, is reported', async (t) => {
  const locked = await errorOf(t, readSecret({from: 'keyring', name: 'a'}, secretTool(t, 'exit 1')));
  t.is(locked.message, 'the keyring is locked, or has no such entry');
  const none = await errorOf(
    t,
    readSecret({from: 'keyring', name: 'a'}, {...parts, environment: {PATH: '/not/there'}}),
  );
  t.is(none.message, 'the keyring has no such entry, or cannot be read');
});

test('a vault is asked by who may talk to Azure', async (t) => {
  const secret = await readSecret(
    {from: 'key-vault', vault: 'v', secret: 's'},
    {...parts, readVault: (vault, name) => Promise.resolve(Secret.fromText(`${vault}/${name}`))},
  );
  t.is(secret.revealText(), 'v/s');
});

const files: readonly (readonly [title: string, text: string, mode: number, message: RegExp])[] = [
  ['others can read', 'a key', 0o644, /^the file \S+\/secret holds a secret and can be read by others$/],
  ['others can write', 'a key', 0o622, /^the file \S+\/secret can be written by others$/],
  ['is empty', ' \n', 0o600, /^the file \S+\/secret is empty$/],
];

for (const [title, text, mode, message] of files)
  test(`a file that ${title} is not read at its use either`, async (t) => {
    const path = join(scratchDirectory(t), 'secret');
    writeFileSync(path, text);
    chmodSync(path, mode);
    t.regex((await errorOf(t, readSecret({from: 'file', path}, parts))).message, message);
  });

test('a file is read again at each use, trimmed, with its owner checked', async (t) => {
  const path = join(scratchDirectory(t), 'secret');
  const read = (uid?: number) =>
    readSecret({from: 'file', path}, uid === undefined ? parts : {...parts, uid});
  t.regex((await errorOf(t, read())).message, / does not exist$/);
  for (const text of ['one', 'two']) {
    writeFileSync(path, `\ufeff ${text}\n`, {mode: 0o600});
    const secret = await read();
    t.is(secret.revealText(), text);
    secret.erase();
  }
  if (process.getuid?.() === 0) return;
  t.regex((await errorOf(t, read(12_345))).message, /belongs to another user/);
});
