import test from 'ava';
import {copyFileSync, mkdirSync, rmSync, symlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {planSettings, publish} from '../../../src/git/plan-change.ts';
import {replaceRecord} from '../../../src/git/manifest.ts';
import {gitFrom} from '../../../src/git/run-git.ts';
import type {Setting} from '../../../src/git/setting.ts';
import {Person} from '../../helpers/command-line.ts';
import {gits, type Git} from '../../helpers/gits.ts';
import {testUnless} from '../../helpers/test-unless.ts';
import {helper as script} from '../../helpers/program.ts';

const SCRIPT = '/nowhere/git-credential-orgkey';
const URL = 'https://dev.azure.com/contoso';

/** What earlier versions wrote into the user's file. */
function olderSettings(helper: string): Setting[] {
  return [
    {key: 'credential.https://dev.azure.com.helper', value: helper},
    {key: 'credential.https://dev.azure.com.useHttpPath', value: 'true'},
    {key: `credential.${URL}.helper`, value: ''},
    {key: `credential.${URL}.helper`, value: helper},
    {key: `http.${URL}.proactiveAuth`, value: 'auto'},
    {key: 'includeIf.gitdir:**/.git/modules/**.path', value: '/home/ann/.config/orgkey/submodules.gitconfig'},
  ];
}

const forms: Readonly<Record<string, string>> = {
  'a program': `!'${SCRIPT}'`,
  'a script for the shell of git': `!script='${SCRIPT}'; f() { . "$script"; }; f`,
};

const STATE = '.local/state/orgkey';

/** Makes what a setup of an earlier version left. */
async function setUpEarlier(person: Person, helper: string, before: string | undefined): Promise<void> {
  person.configure(
    'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: p}]}]}\n',
  );
  if (before !== undefined) person.write('.gitconfig', before);
  const planning = {git: gitFrom({PATH: process.env['PATH'], HOME: '/nonexistent'}), temporary: person.home};
  const change = await planSettings(person.path('.gitconfig'), olderSettings(helper), undefined, planning);
  await publish(change);
  mkdirSync(person.path(STATE), {recursive: true});
  await replaceRecord(person.path(STATE), change.path, change.record);
}

const userFiles: Readonly<Record<string, string | undefined>> = {
  'no file': undefined,
  'a name without a line break at the end': '[user]\n  name=Ann',
  'other helpers, with the path':
    '[credential]\n\thelper = store\n\tuseHttpPath = true\n[core]\n\tpager = less\n',
  'a decision about proactiveAuth': '[http "https://dev.azure.com/fabrikam"]\n\tproactiveAuth = auto\n',
};

for (const [form, helper] of Object.entries(forms)) {
  for (const [title, before] of Object.entries(userFiles)) {
    test(`setup moves the lines of an earlier version out, and uninstall undoes both: ${form}, ${title}`, async (t) => {
      const person = new Person(t);
      await setUpEarlier(person, helper, before);
      const {code, stderr} = await person.run('setup', ['--service', 'none']);
      t.is(code, 0, stderr);
      t.regex(
        stderr,
        /git: configured for contoso \(10 settings in .*\/\.config\/orgkey\/gitconfig\)\n {2}moved 6 settings/,
      );
      const text = person.read('.gitconfig') ?? '';
      t.is(text, `${before ?? ''}${includeAfter(before)}`);
      t.is((await person.run('uninstall')).code, 0);
      t.is(person.read('.gitconfig'), before);
      t.is(person.read('.config/orgkey/gitconfig'), undefined);
    });

    test(`uninstall removes the lines of an earlier version without a record: ${form}, ${title}`, async (t) => {
      const person = new Person(t);
      await setUpEarlier(person, helper, before);
      rmSync(person.path(STATE), {recursive: true});
      t.is((await person.run('uninstall')).code, 0);
      const list = (text: string | undefined) =>
        person.git(['config', '--file', person.write('compared', text ?? ''), '--list']);
      t.is((await list(person.read('.gitconfig'))).stdout, (await list(before)).stdout);
    });
  }

  test(`what the user changed by hand in the lines of an earlier version stays: ${form}`, async (t) => {
    const person = new Person(t);
    await setUpEarlier(person, helper, '[user]\n\tname = Ann\n');
    const config = (...argv: string[]) => person.git(['config', '--global', ...argv]);
    await config(`http.${URL}.proactiveAuth`, 'none');
    await config('credential.https://dev.azure.com.useHttpPath', 'false');
    await config('--add', `credential.${URL}.helper`, 'mine');
    t.is((await person.run('setup', ['--service', 'none'])).code, 0);
    const seen = async () => (await config('--includes', '--list')).stdout.trim().split('\n');
    t.regex(
      (await seen()).at(-1) ?? '',
      /^credential\.https:\/\/contoso\.visualstudio\.com\.helper=!script=/,
    );
    t.is((await seen()).findLast((line) => /usehttppath/.test(line))?.endsWith('=true'), true);
    t.is((await person.run('uninstall')).code, 0);
    t.deepEqual(await seen(), [
      'user.name=Ann',
      'credential.https://dev.azure.com.usehttppath=false',
      `credential.${URL}.helper=mine`,
      `http.${URL}.proactiveauth=none`,
    ]);
  });
}

/** The line that setup adds. */
function includeAfter(before: string | undefined): string {
  const gap = before === undefined || before.endsWith('\n') ? '' : '\n';
  return `${gap}[include]\n\tpath = ~/.config/orgkey/gitconfig\n`;
}

test('our file keeps what others wrote into it, with a record and without', async (t) => {
  for (const isRecorded of [true, false]) {
    const person = new Person(t);
    person.configure();
    await person.run('setup', ['--service', 'none']);
    await person.git(['config', '--file', person.path('.config/orgkey/gitconfig'), 'fetch.parallel', '4']);
    if (!isRecorded) rmSync(person.path(STATE), {recursive: true});
    t.is((await person.run('uninstall')).code, 0);
    t.is(person.read('.gitconfig'), isRecorded ? undefined : '');
    t.is(person.read('.config/orgkey/gitconfig'), '[fetch]\n\tparallel = 4\n');
  }
});

test('a file outside the home is included by its whole path', async (t) => {
  const person = new Person(t);
  const elsewhere = new Person(t);
  const environment = {XDG_CONFIG_HOME: elsewhere.home};
  elsewhere.write('orgkey/config.yaml', 'integrations: {azure: [{credentials: [{azureCli: true}]}]}\n');
  t.is((await person.run('setup', ['--service', 'none'], {environment})).code, 0);
  t.is(person.read('.gitconfig'), `[include]\n\tpath = ${elsewhere.home}/orgkey/gitconfig\n`);
});

test('without the program the helper says how to take the settings back, and that works', async (t) => {
  const person = new Person(t);
  person.configure();
  t.is((await person.run('setup', ['--service', 'none'])).code, 0);
  const bin = person.path('.local/share/orgkey/bin');
  mkdirSync(bin, {recursive: true});
  copyFileSync(script, join(bin, 'git-credential-orgkey'));
  symlinkSync('/nowhere/orgkey.cjs', join(bin, 'orgkey'));
  const own = person.read('.config/orgkey/gitconfig') ?? '';
  person.write('.config/orgkey/gitconfig', own.replaceAll(dirname(script), bin));
  // the socket of a daemon that died, so that no other of the machine is found
  mkdirSync(person.path('run'));
  const listen =
    "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  await person.spawn(process.execPath, ['-e', listen, person.path('run/git.sock')]);
  const environment = {
    GIT_TERMINAL_PROMPT: '0',
    ORGKEY_NO_START: '',
    ORGKEY_RUNTIME_DIR: person.path('run'),
  };
  const {stderr} = await person.git(['credential', 'fill'], {input: QUESTION, environment});
  t.regex(stderr, /orgkey was removed from this machine/);
  const [, command = ''] = /take its settings back: (.*)/.exec(stderr) ?? [];
  t.is((await person.spawn('sh', ['-c', command])).code, 0);
  t.is(person.read('.gitconfig')?.trim(), '');
});

/** Returns a home elsewhere, as in a container: the editor's forwarder is in the system file. */
function containerOf(t: ConstructorParameters<typeof Person>[0], git: Git): Person {
  const container = new Person(t, {
    GIT_CONFIG_NOSYSTEM: '0',
    GIT_TERMINAL_PROMPT: '0',
    PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
  });
  const forwarder = container.write(
    'forwarder',
    '#!/bin/sh\n[ "$1" = get ] && cat >/dev/null && echo username=me && echo password=of-forwarder\n',
    0o755,
  );
  container.write('system', `[credential]\n\thelper = ${forwarder}\n`);
  return container;
}

const QUESTION = 'protocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\n\n';

for (const git of gits) {
  const withGit = testUnless(git.missing, test);

  withGit(`${git.name}: a copied .gitconfig is silent where orgkey is not`, async (t) => {
    const person = new Person(t);
    person.configure();
    t.is((await person.run('setup', ['--service', 'none'])).code, 0);
    const container = containerOf(t, git);
    const environment = {GIT_CONFIG_SYSTEM: container.path('system')};
    container.write('.gitconfig', person.read('.gitconfig') ?? '');
    const filled = await container.git(['credential', 'fill'], {input: QUESTION, environment});
    t.is(filled.stderr, '');
    t.regex(filled.stdout, /password=of-forwarder\n/);
  });

  withGit(
    `${git.name}: a helper line without its script is silent, and git asks the next helper`,
    async (t) => {
      const person = new Person(t);
      person.configure();
      t.is((await person.run('setup', ['--service', 'none'])).code, 0);
      const ours = person.read('.config/orgkey/gitconfig') ?? '';
      const container = containerOf(t, git);
      const environment = {GIT_CONFIG_SYSTEM: container.path('system')};
      const forwarder = container.path('forwarder');
      const copy = ours.replaceAll(script, SCRIPT);
      container.write('.gitconfig', `${copy}[credential "${URL}"]\n\thelper = ${forwarder}\n`);
      t.true(copy.includes(SCRIPT));
      const filled = await container.git(['credential', 'fill'], {input: QUESTION, environment});
      t.is(filled.stderr, '');
      t.regex(filled.stdout, /password=of-forwarder\n/);
    },
  );

  withGit(`${git.name}: other helpers hear nothing of usual spellings of an organization`, async (t) => {
    const person = new Person(t, {
      PATH: `${git.path}:${process.env['PATH'] ?? ''}`,
      GIT_TERMINAL_PROMPT: '0',
    });
    const other = person.write('other', '#!/bin/sh\necho $1 >> "$HOME/asked"\n', 0o755);
    person.write('.gitconfig', `[credential]\n\thelper = ${other}\n`);
    person.configure();
    t.is((await person.run('setup', ['--service', 'none'])).code, 0);
    const approve = (name: string) =>
      person.git(['credential', 'approve'], {
        input: `protocol=https\nhost=DEV.azure.com\npath=${name}/p/_git/r\nusername=u\npassword=p\n\n`,
      });
    for (const name of ['contoso', 'Contoso', 'CONTOSO']) {
      await approve(name);
      t.is(person.read('asked'), undefined, name);
    }
    await approve('someone-else');
    t.is(person.read('asked'), 'store\n');
  });
}
