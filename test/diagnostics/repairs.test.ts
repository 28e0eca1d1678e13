import test from 'ava';
import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {loadConfiguration} from '../../src/config/load-configuration.ts';
import {checkConfiguration} from '../../src/diagnostics/checks/check-configuration.ts';
import {checkSockets} from '../../src/diagnostics/checks/check-sockets.ts';
import {checkStore} from '../../src/diagnostics/checks/check-store.ts';
import {readKeyFile} from '../../src/ssh/key/key-file.ts';
import {openSecretStore} from '../../src/store/secret-store.ts';
import {StoreError} from '../../src/store/store-error.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const uid = process.getuid?.() ?? 0;

/** Damages a home, and returns a function that reports the repairs that are still needed. */
const damages: Readonly<Record<string, (home: string) => Promise<() => Promise<readonly string[]>>>> = {
  'the state directory': async (home) => {
    const stateDirectory = join(home, 'state');
    mkdirSync(join(stateDirectory, 'secrets'), {recursive: true});
    writeFileSync(join(stateDirectory, 'audit.jsonl'), '', {mode: 0o644});
    return async () => repairsIn(await checkStore({stateDirectory, uid}));
  },
  'the runtime directory': async (home) => {
    const directory = join(home, 'run');
    for (const path of [directory, join(directory, 'control'), join(directory, 'ssh')]) mkdirSync(path);
    chmodSync(directory, 0o777);
    const daemon = {kind: 'unreachable', directory, message: '', hint: ''} as const;
    return async () => repairsIn(await checkSockets({daemon, uid})).filter(isCommandForFiles);
  },
  'a configuration that others can write': async (home) => {
    const file = join(home, 'config.yaml');
    writeFileSync(file, 'integrations: {azure: [{credentials: [{azureCli: true}]}]}\n');
    chmodSync(file, 0o666);
    return () => repairsOf(file);
  },
  'a secret file that others can read': async (home) => {
    const file = join(home, 'config.yaml');
    writeFileSync(
      file,
      'integrations: {azure: [{credentials: [{organizations: [a], personalAccessToken: {$file: secret}}]}]}\n',
    );
    writeFileSync(join(home, 'secret'), 'canary', {mode: 0o644});
    return () => repairsOf(file);
  },
  'a key file that others can read': async (home) => {
    const path = join(home, 'key');
    writeFileSync(path, 'canary', {mode: 0o644});
    return async () => {
      const reading = await readKeyFile(path, {home, userId: uid, personal: 'rejected'});
      return reading.kind === 'text' ? [] : [reading.hint.replace('run: ', '')];
    };
  },
  'a store that others can enter': async (home) => {
    const directory = join(home, 'secrets');
    mkdirSync(directory, {mode: 0o755});
    return async () => {
      try {
        await openSecretStore({directory, key: undefined, uid});
        return [];
      } catch (error) {
        return error instanceof StoreError && error.hint !== undefined ? [error.hint] : ['?'];
      }
    };
  },
};

const git = async () => ({status: 0, stdout: 'git version 2.47.3', stderr: ''});

async function repairsOf(file: string): Promise<readonly string[]> {
  const loaded = await loadConfiguration({file, environment: {}, key: new Uint8Array(32)});
  const daemon = {kind: 'unreachable', directory: undefined, message: '', hint: ''} as const;
  return repairsIn(await checkConfiguration({loaded, uid, daemon, git}));
}

function repairsIn(diagnostics: readonly {readonly repair?: string | undefined}[]): string[] {
  return diagnostics.flatMap(({repair}) => repair ?? []);
}

/** Other repairs start and stop services, which these tests do not have. */
function isCommandForFiles(repair: string): boolean {
  return repair.startsWith('chmod ');
}

for (const [what, damage] of Object.entries(damages)) {
  test(`the suggested command repairs ${what}, in a home with any name`, async (t) => {
    const home = join(scratchDirectory(t), `h o'm "x`);
    mkdirSync(home);
    const repairs = await damage(home);
    const first = await repairs();
    t.not(first.length, 0);
    for (const command of first) t.notThrows(() => execFileSync('sh', ['-c', command]), command);
    const rest = await repairs();
    // one problem may have hidden the next
    for (const command of rest) t.notThrows(() => execFileSync('sh', ['-c', command]), command);
    t.deepEqual(await repairs(), []);
  });
}

test('the suggested command closes a socket that is open to all users', async (t) => {
  const directory = join(scratchDirectory(t), `h o'm "x`);
  mkdirSync(directory, {mode: 0o711});
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(join(directory, 'git.sock'), resolve));
  t.teardown(() => server.close());
  chmodSync(join(directory, 'git.sock'), 0o666);
  const daemon = {kind: 'unreachable', directory, message: '', hint: ''} as const;
  const look = async () => repairsIn(await checkSockets({daemon, uid})).filter(isCommandForFiles);
  const [command = ''] = await look();
  execFileSync('sh', ['-c', command]);
  t.deepEqual(await look(), []);
});
