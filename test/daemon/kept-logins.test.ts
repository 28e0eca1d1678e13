import {execFileSync} from 'node:child_process';
import {closeSync, existsSync, openSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Notice, Status} from '../../src/control/control-protocol.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';
import {until} from '../helpers/patience.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

const place = 'protocol=https\nhost=dev.azure.com\npath=contoso/web\n';
const stores = `action=get\ntimeout=900\noperation=store\n${place}username=ada\npassword=kept-secret\n`;
const gets = `action=get\ntimeout=900\n${place}`;

function configuration({persist}: {readonly persist: boolean}): string {
  return `integrations: {azure: [{credentials: [{organizations: [contoso], stored: true, persist: ${persist}}]}]}\n`;
}

/** Changes the configuration, and waits until it is in force. */
async function reconfigure(daemon: TestDaemon, text: string): Promise<void> {
  const before = (await daemon.status()).configuration.loadedAt;
  daemon.configure(text);
  daemon.process.kill('SIGHUP');
  await until(
    'another configuration',
    async () => (await daemon.status()).configuration,
    ({loadedAt}) => loadedAt !== before,
  );
}

/** Asks until a login is served: a reload reads the persisted logins in the background. */
function served(daemon: TestDaemon): Promise<string> {
  return until(
    'a password',
    () => daemon.ask(gets),
    (answer) => answer.includes('password='),
  );
}

/** Returns the directory of a daemon that persisted a login and ended. */
async function filled(t: ExecutionContext): Promise<string> {
  const directory = scratchDirectory(t);
  const daemon = await daemonFor(t, {directory, configuration: configuration({persist: true})});
  await daemon.ask(stores);
  t.is(await daemon.stop(), 0);
  return directory;
}

test('a persisted login is served after a restart', async (t) => {
  const daemon = await daemonFor(t, {directory: await filled(t)});
  t.regex(await daemon.ask(gets), /^username=ada\npassword=kept-secret$/m);
});

test('a persisted login is served after a reload that turns persistence on', async (t) => {
  const directory = await filled(t);
  const daemon = await daemonFor(t, {directory, configuration: configuration({persist: false})});
  t.is(await daemon.ask(gets), 'orgkey=1\n');
  await reconfigure(daemon, configuration({persist: true}));
  t.regex(await served(daemon), /^username=ada\npassword=kept-secret$/m);

  // an erased login does not come back with another reload
  await daemon.ask(`action=erase\ntimeout=900\n${place}username=ada\npassword=kept-secret\n`);
  await reconfigure(daemon, configuration({persist: false}));
  await reconfigure(daemon, configuration({persist: true}));
  t.is(await daemon.ask(gets), 'orgkey=1\n');
});

test('a login that was typed without persistence wins over a persisted one', async (t) => {
  const directory = await filled(t);
  const daemon = await daemonFor(t, {directory, configuration: configuration({persist: false})});
  await daemon.ask(stores.replace('kept-secret', 'newer-secret'));
  await reconfigure(daemon, configuration({persist: true}));
  t.regex(await served(daemon), /^password=newer-secret$/m);
});

function secretNotices({notices}: Status): Notice[] {
  return notices.filter(({message}) => message.includes('a stored secret cannot be read'));
}

test('status reports a stored secret that cannot be read, and its repair', async (t) => {
  const directory = await filled(t);
  const secrets = join(directory, 'state/secrets');
  const [entry = ''] = readdirSync(secrets);
  writeFileSync(join(secrets, entry), 'nonsense');
  writeFileSync(join(secrets, `${'0'.repeat(64)}.secret`), 'nonsense', {mode: 0o600});
  const daemon = await daemonFor(t, {directory});
  const status = await until(
    'a notice of the secret',
    () => daemon.status(),
    (now) => secretNotices(now).length > 0,
  );
  const reported = secretNotices(status);
  t.is(reported.length, 1, 'one notice for one kind of error');
  t.regex(reported[0]?.message ?? '', /is damaged, and 1 more like it$/);
  t.regex(reported[0]?.hint ?? '', /^it cannot be repaired: rm .*, then sign in or add it again$/);
  t.is(status.health, 'warning');
  t.is(await daemon.ask(gets), 'orgkey=1\n');
});

test('with a hanging keyring git is answered, and a login is persisted later', async (t) => {
  const directory = scratchDirectory(t);
  const tool = join(directory, 'secret-tool');
  writeFileSync(tool, '#!/bin/sh\nexec sleep 60\n', {mode: 0o755});
  const daemon = await daemonFor(t, {
    directory,
    configuration: configuration({persist: false}),
    environment: {PATH: `${directory}:${process.env['PATH'] ?? ''}`},
  });
  // the first use opens the store, and with it the keyring
  daemon.configure(configuration({persist: true}));
  daemon.process.kill('SIGHUP');
  await until(
    'an answer before the disk has it',
    async () => {
      t.is(await daemon.ask(stores), 'orgkey=1\n');
      return daemon.stderr;
    },
    (log) => log.includes('store: done (kept, but not persisted yet)'),
  );
  const secrets = join(directory, 'state/secrets');
  await until(
    'the login on the disk',
    () => (existsSync(secrets) ? readdirSync(secrets) : []),
    (names) => names.some((name) => name.endsWith('.secret')),
  );
  t.is(await daemon.stop('SIGKILL'), 'SIGKILL');
  const later = await daemonFor(t, {directory});
  t.regex(await later.ask(gets), /^password=kept-secret$/m);
});

test('with a keyring that hangs at the start git is answered, and a login served later', async (t) => {
  const directory = await filled(t);
  const gate = join(directory, 'gate');
  execFileSync('mkfifo', [gate]);
  // its child keeps the output open, although the tool itself is killed
  writeFileSync(join(directory, 'secret-tool'), `#!/bin/sh\ncat '${gate}'\nexit 1\n`, {mode: 0o755});
  const release = () => {
    if (!existsSync(gate)) return;
    const descriptor = openSync(gate, 'r+');
    rmSync(gate);
    closeSync(descriptor);
  };
  t.teardown(release);
  const daemon = await daemonFor(t, {
    directory,
    environment: {PATH: `${directory}:${process.env['PATH'] ?? ''}`},
  });
  t.is(await daemon.ask(gets), 'orgkey=1\n');
  release();
  t.regex(await served(daemon), /^username=ada\npassword=kept-secret$/m);
});
