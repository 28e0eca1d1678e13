import {execFile} from 'node:child_process';
import {existsSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {main} from '../helpers/program.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';
import {testUnless, whyNotRoot} from '../helpers/test-unless.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'scripts/deploy/ansible');
const ansible = join(root, '.cache/ansible');
const whyNot = existsSync(join(ansible, 'bin/ansible-playbook'))
  ? whyNotRoot
  : 'there is no Ansible: scripts/test-packages ansible brings one';
const withAnsible = testUnless(whyNot, test.serial);

interface Ran {
  readonly code: number;
  readonly output: string;
}

function run(program: string, args: readonly string[], home: string): Promise<Ran> {
  const env = {
    HOME: home,
    LC_ALL: 'C.UTF-8',
    PATH: `${join(ansible, 'root/usr/bin')}:${process.env['PATH'] ?? ''}`,
    PYTHONPATH: join(ansible, 'root/usr/lib/python3/dist-packages'),
    ANSIBLE_ROLES_PATH: join(folder, 'roles'),
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_LOCAL_TEMP: join(home, 'local'),
    ANSIBLE_REMOTE_TEMP: join(home, 'remote'),
  };
  return new Promise((resolve) => {
    execFile(program, args, {env, cwd: folder, maxBuffer: 2 ** 26}, (error, stdout, stderr) =>
      resolve({code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr}),
    );
  });
}

/** A machine of which the role manages the files only, in a directory. */
function machine(t: ExecutionContext) {
  const home = scratchDirectory(t);
  const directory = join(home, 'etc');
  const program = join(home, 'orgkey');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, {mode: 0o755});
  writeFileSync(join(home, 'play.yml'), '- {hosts: all, gather_facts: false, roles: [orgkey]}\n');
  const play = async (variables: object, ...args: readonly string[]) => {
    const all = {
      orgkey_directory: directory,
      orgkey_program: program,
      orgkey_group: 'root',
      orgkey_manage_package: false,
      orgkey_manage_service: false,
      ...variables,
    };
    writeFileSync(join(home, 'variables.json'), JSON.stringify(all));
    const options = ['-i', 'localhost,', '-c', 'local', '-e', `@${join(home, 'variables.json')}`];
    const ran = await run('ansible-playbook', [...options, ...args, join(home, 'play.yml')], home);
    return {...ran, changed: Number(/changed=(\d+)/.exec(ran.output)?.[1])};
  };
  return {directory, play};
}

const credential = (organization: string, more: object = {clientId: 'system-assigned'}) => ({
  integrations: {azure: [{credentials: [{organizations: [organization], ...more}]}]},
});

withAnsible('the role writes what it was given, and a second run changes nothing', async (t) => {
  const {directory, play} = machine(t);
  const secret = 'a-secret-of-contoso';
  const wanted = {
    orgkey_configuration: credential('contoso', {
      personalAccessToken: {$file: join(directory, 'contoso.pat')},
    }),
    orgkey_teams: {'10-a': credential('a'), '20-b': credential('b')},
    orgkey_secrets: {'contoso.pat': secret},
  };
  const tried = await play(wanted, '--check');
  t.is(tried.code, 0, tried.output);
  t.false(existsSync(join(directory, 'config.yaml')));

  const first = await play(wanted, '-vvv', '--diff');
  t.is(first.code, 0, first.output);
  t.true(first.changed > 0);
  t.false(first.output.includes(secret));
  t.is(readFileSync(join(directory, 'contoso.pat'), 'utf8'), secret);
  t.is(statSync(join(directory, 'contoso.pat')).mode & 0o777, 0o640);
  t.deepEqual(readdirSync(join(directory, 'config.d')).toSorted(), ['10-a.yaml', '20-b.yaml']);

  const second = await play(wanted);
  t.is(second.code, 0, second.output);
  t.is(second.changed, 0, second.output);

  // a team that is gone
  const third = await play({...wanted, orgkey_teams: {'10-a': credential('a')}});
  t.is(third.changed, 1, third.output);
  t.deepEqual(readdirSync(join(directory, 'config.d')), ['10-a.yaml']);
});

withAnsible('a configuration that is wrong is not written, and the line is named', async (t) => {
  const {directory, play} = machine(t);
  const sound = {orgkey_configuration: credential('contoso'), orgkey_teams: {a: credential('a')}};
  t.is((await play(sound)).code, 0);
  const before = readFileSync(join(directory, 'config.yaml'), 'utf8');
  const wrong = await play({
    ...sound,
    orgkey_configuration: {...credential('contoso'), orgkey: {futureKey: 1}},
  });
  t.not(wrong.code, 0);
  t.regex(wrong.output, /:\d+:\d+: error: .*futureKey/);
  t.is(readFileSync(join(directory, 'config.yaml'), 'utf8'), before);
  // each file alone is valid
  const twice = await play({...sound, orgkey_teams: {a: credential('a'), b: credential('contoso')}});
  t.not(twice.code, 0);
  t.regex(twice.output, /config\.d\/b\.yaml:\d+:\d+: error: the organization contoso is listed twice/);
  const untyped = await play({orgkey_configuration: 'text'});
  t.regex(untyped.output, /orgkey_configuration/);
  t.not(untyped.code, 0);
});

withAnsible('ansible-lint finds no fault in the role and the playbook', async (t) => {
  const home = scratchDirectory(t);
  const {code, output} = await run(
    'ansible-lint',
    ['--offline', '--nocolor', 'playbook.yml', 'roles/orgkey'],
    home,
  );
  t.is(code, 0, output);
});
