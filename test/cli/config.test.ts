import test from 'ava';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {Person, patConfiguration} from '../helpers/command-line.ts';
import {daemonFor} from '../helpers/daemon.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

test.serial('config check and config show print no secrets', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  t.is((await person.run('config path')).stdout, `${file}\n`);
  t.is((await person.run('config check')).stdout, `${file}: valid, 2 credentials for 3 organizations\n`);
  const shown = await person.run('config show');
  t.regex(shown.stdout, /personalAccessToken: \[redacted\]/);
  t.false(shown.stdout.includes('canary'));
  const schema = JSON.parse((await person.run('config schema')).stdout) as Record<string, unknown>;
  t.is(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');

  person.configure('integrations:\n  azure:\n    - hots: dev.azure.com\n');
  const wrong = await person.run('config check');
  t.is(wrong.code, 5);
  t.regex(wrong.stderr, /config\.yaml:3:\d+: error: unknown key: hots$/m);
  const report = JSON.parse((await person.run('config check --json')).stdout) as {
    valid: boolean;
    problems: unknown[];
  };
  t.false(report.valid);
  t.is(report.problems.length, 1);
  t.is((await person.run('config show')).code, 5);
});

test.serial('without a configuration, config path and config check exit with 5', async (t) => {
  const person = new Person(t);
  for (const command of ['config path', 'config check', 'config check --json']) {
    const {code, stdout, stderr} = await person.run(command);
    t.is(code, 5);
    if (command.endsWith('--json')) t.regex(stdout, /"code": "ERR_CONFIGURATION"/);
    else t.is(stdout, '');
    t.regex(stderr, /no configuration was found\norgkey: hint: create one: orgkey setup/);
  }
});

test.serial('config init never overwrites a configuration', async (t) => {
  const person = new Person(t);
  const argv = ['--organization', 'contoso', '--managed-identity', 'system-assigned'];
  t.is((await person.run('config init', argv)).code, 0);
  t.is((await person.run('config check')).code, 0);
  const before = person.read('.config/orgkey/config.yaml');
  t.is((await person.run('config init', argv)).code, 2);
  t.is(person.read('.config/orgkey/config.yaml'), before);
});

/** Returns a function that makes an editor from a shell script. */
function editorOf(person: Person): (script: string) => {readonly environment: {readonly EDITOR: string}} {
  return (script) => {
    writeFileSync(person.path('edit'), `#!/bin/sh\n${script}\n`, {mode: 0o755});
    return {environment: {EDITOR: `'${person.path('edit')}'`}};
  };
}

test.serial('config edit saves a configuration only if it is valid', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const editor = editorOf(person);
  const valid = await person.run('config edit', [], editor('sed -i s/fabrikam/tailspin/ "$1"'));
  t.is(valid.code, 0, valid.stderr);
  t.true(person.read('.config/orgkey/config.yaml')?.includes('tailspin'));

  const kept = person.read('.config/orgkey/config.yaml');
  t.is((await person.run('config edit', [], editor('echo nonsense: [ >> "$1"'))).code, 5);
  t.is(person.read('.config/orgkey/config.yaml'), kept);
  t.is((await person.run('config edit', [], editor('exit 1'))).code, 1);
  t.is(person.read('.config/orgkey/config.yaml'), kept);
  t.regex((await person.run('config edit', [], editor('true'))).stderr, /nothing was changed/);
  const left = await person.spawn('ls', ['-A', join(file, '..')]);
  t.is(left.stdout, 'config.yaml\n');
});

test.serial('a configuration that is a symbolic link is edited at its target', async (t) => {
  const person = new Person(t);
  const target = person.write('dotfiles/orgkey.yaml', patConfiguration, 0o640);
  mkdirSync(person.path('.config/orgkey'), {recursive: true});
  const link = person.path('.config/orgkey/config.yaml');
  symlinkSync(target, link);
  const {code, stderr} = await person.run(
    'config edit',
    [],
    editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'),
  );
  t.is(code, 0, stderr);
  t.is(readlinkSync(link), target);
  t.is(person.read('dotfiles/orgkey.yaml'), patConfiguration.replaceAll('fabrikam', 'tailspin'));
  t.is(statSync(target).mode & 0o777, 0o640);
});

test.serial('a change by another process during config edit is kept, and so is the draft', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const editor = editorOf(person);
  const meanwhile = `sed -i s/fabrikam/tailspin/ "$1"; echo '# theirs' >> '${file}'`;
  const {code, stderr} = await person.run('config edit', [], editor(meanwhile));
  t.is(code, 1, stderr);
  const draft = person.path('.config/orgkey/.config.yaml.edit');
  t.is(
    stderr,
    `your text is in ${draft}\norgkey: error: ${file} was changed in the meantime\norgkey: hint: look at the file, then run the command again\n`,
  );
  t.is(person.read('.config/orgkey/config.yaml'), `${patConfiguration}# theirs\n`);
  t.is(person.read('.config/orgkey/.config.yaml.edit'), patConfiguration.replaceAll('fabrikam', 'tailspin'));

  const again = await person.run('config edit', [], editor('true'));
  t.is(again.code, 2);
  t.true(again.stderr.endsWith(`, then: rm ${draft}\n`), again.stderr);
  rmSync(draft);
  t.is((await person.run('config edit', [], editor('echo "# mine" >> "$1"'))).code, 0);
  t.is(person.read('.config/orgkey/config.yaml'), `${patConfiguration}# theirs\n# mine\n`);
});

test.serial('a configuration with a systemd credential can be edited, checked and explained', async (t) => {
  const person = new Person(t);
  const path = person.configure(patConfiguration.replace('canary-pat-0123456789', '{$credential: contoso}'));
  const warning = `${path}:6:32: warning: systemd passes its credentials to the service only: only a daemon can read this one\n`;
  const checked = await person.run('config check');
  t.is(checked.code, 0);
  t.is(checked.stdout, `${path}: valid, 2 credentials for 3 organizations\n`);
  t.true(checked.stderr.startsWith(warning), checked.stderr);
  const edited = await person.run('config edit', [], editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'));
  t.is(edited.code, 0, edited.stderr);
  t.regex((await person.run('org list')).stdout, /^tailspin +dev\.azure\.com +personal access token/m);
  t.regex((await person.run('which contoso')).stdout, /^identity +personal access token$/m);
  // setup acts on the configuration and needs the credential
  t.is((await person.run('setup', ['--service', 'none'])).code, 5);
});

test.serial('the commands use the configuration that the daemon uses', async (t) => {
  const daemon = await daemonFor(t, {configuration: patConfiguration});
  const person = new Person(t, daemon.environment);
  t.is((await person.run('config path')).stdout, `${daemon.configFile}\n`);
  t.regex((await person.run('config check')).stdout, /config\.yaml: valid, 2 credentials/);
  t.regex((await person.run('org list')).stdout, /^contoso +dev\.azure\.com/m);
  t.regex((await person.run('which contoso')).stdout, /^identity +personal access token$/m);
  t.regex((await person.run('doctor')).stdout, new RegExp(`${daemon.configFile}: 2 credentials`));
  const other = person.write('other.yaml', patConfiguration);
  t.is((await person.run('config path --config', [other])).stdout, `${other}\n`);
  const named = await person.run('doctor', [], {environment: {ORGKEY_CONFIG: other}});
  t.regex(named.stdout, /the daemon uses another file/);
});

test.serial('config edit and config check report the problems of the daemon', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  const editor = editorOf(person)(`sed -i 's/canary-pat-0123456789/"\${FOO}"/' "$1"`);
  const environment = {...editor.environment, FOO: 'canary-foo'};
  const refused = `${daemon.configFile}:6:32: error: the variable FOO is not set\n`;
  const edited = await person.run('config edit', [], {environment});
  t.is(edited.code, 5, edited.stderr);
  t.true(edited.stderr.startsWith(`wrote ${daemon.configFile}\n${refused}`), edited.stderr);
  t.regex(edited.stderr, /error: the daemon rejects the configuration\n/);

  const checked = await person.run('config check', [], {environment});
  t.is(checked.code, 5);
  t.true(checked.stderr.startsWith(refused), checked.stderr);
  const report = JSON.parse((await person.run('config check --json', [], {environment})).stdout) as {
    valid: boolean;
    problems: unknown[];
  };
  t.false(report.valid);
  t.is(report.problems.length, 1);

  // the daemon uses another file
  const other = person.write('other.yaml', patConfiguration);
  t.is((await person.run('config check --config', [other], {environment})).code, 0);
});

test.serial('several problems with the same repair print it once, and doctor names each once', async (t) => {
  const {daemon, person} = await personWithDaemon(t);
  const rules = ['one', 'two'].map(
    (name) => `{organizations: [${name}], personalAccessToken: "\${UNSET_TOKEN}"}`,
  );
  daemon.configure(`integrations: {azure: [{credentials: [${rules.join(', ')}]}]}\n`);
  const checked = await person.run('config check');
  t.is(checked.code, 5);
  t.is(checked.stderr.match(/error: the variable UNSET_TOKEN is not set/g)?.length, 2, checked.stderr);
  t.is(checked.stderr.match(/put UNSET_TOKEN=value into/g)?.length, 1, checked.stderr);
  const {stdout} = await person.run('doctor one');
  t.regex(stdout, /✗ daemon: the daemon rejects it: /);
  t.notRegex(stdout, /! file: /);
});

const asRoot = testUnless(whyNotRoot, test.serial);

asRoot('a configuration that cannot keep its owner and group is not changed', async (t) => {
  const person = new Person(t);
  const file = person.configure();
  const [otherUser, readers] = [65_534, 12_345];
  chownSync(file, 0, readers);
  chmodSync(file, 0o640);
  const facts = () => {
    const {uid, gid, mode} = statSync(file);
    return [uid, gid, mode & 0o777];
  };
  const edited = await person.run('config edit', [], editorOf(person)('sed -i s/fabrikam/tailspin/ "$1"'));
  t.is(edited.code, 0, edited.stderr);
  t.deepEqual(facts(), [0, readers, 0o640]);
  t.is((await person.run('ssh-key new contoso')).code, 0);
  t.deepEqual(facts(), [0, readers, 0o640]);
  t.is((await person.run('ssh-key remove contoso')).code, 0);
  t.deepEqual(facts(), [0, readers, 0o640]);

  await person.spawn('chown', ['-R', String(otherUser), person.home]);
  const before = person.read('.config/orgkey/config.yaml');
  const editor = editorOf(person)('echo "# mine" >> "$1"');
  const {code, stderr} = await person.run('config edit', [], {...editor, uid: otherUser});
  t.is(code, 1, stderr);
  t.regex(stderr, /config\.yaml would not keep its owner and group\norgkey: hint: run the command as root/);
  t.is(person.read('.config/orgkey/config.yaml'), before);
  t.deepEqual(facts(), [otherUser, readers, 0o640]);
});

test.serial(
  'config restore writes the last valid configuration again after its file was deleted',
  async (t) => {
    const person = new Person(t);
    person.write('.config/orgkey/pat', 'canary-pat\n');
    const text = `# a comment
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        - {organizations: [contoso], personalAccessToken: {$file: pat}}
orgkey: {prefetch: false}
`;
    const file = person.configure(text);
    t.is((await person.run('config restore')).code, 5, 'nothing was kept yet');
    t.is((await person.run('setup', ['--service', 'plain'])).code, 0);
    const present = await person.run('config restore');
    t.is(present.code, 2, present.stderr);
    const before = (await person.run('config show')).stdout.replaceAll(/place: .*/g, '');

    rmSync(file);
    const doctor = await person.run('doctor');
    t.regex(doctor.stdout, /the configuration does not exist\n.*orgkey config restore/);
    const setup = await person.run('setup', ['--service', 'plain']);
    t.is(setup.code, 2, setup.stderr);
    t.regex(setup.stderr, /orgkey: hint: write the last valid one again: orgkey config restore/);

    const {code, stderr} = await person.run('config restore');
    t.is(code, 0, stderr);
    t.is(statSync(file).mode & 0o777, 0o600);
    t.is((await person.run('config show')).stdout.replaceAll(/place: .*/g, ''), before);
    t.is((await person.run('setup', ['--service', 'plain'])).code, 0);

    person.configure(patConfiguration);
    t.is((await person.run('config check')).code, 0);
    rmSync(file);
    const lacking = await person.run('config restore');
    t.is(lacking.code, 5);
    t.regex(lacking.stderr, /secrets that were written in the file itself are missing/);
    t.false((person.read('.config/orgkey/config.yaml') ?? '').includes('canary'));
  },
);
