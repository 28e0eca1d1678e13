import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import {Person} from '../helpers/command-line.ts';
import {builtOrgkey, processesWith} from '../helpers/pipeline-job.ts';
import {PipelineWorld} from '../helpers/pipeline-world.ts';

/** The examples for GitLab and Jenkins, as their runners execute them. */

const examples = join(import.meta.dirname, '../../scripts/deploy/pipelines/examples');
const world = await PipelineWorld.start();
const {cloud, clientId, tenantId} = world;
test.after.always(() => cloud.close());

/** A machine with orgkey; `npm`, which would install it, does nothing. */
function machine(t: ExecutionContext, environment = cloud.environment()): Person {
  const person = new Person(t, environment);
  person.write('bin/orgkey', `#!/bin/sh\nexec '${process.execPath}' '${builtOrgkey}' "$@"\n`, 0o755);
  person.write('bin/npm', '#!/bin/sh\n', 0o755);
  return person;
}

const pathOf = (person: Person) =>
  `${person.path('bin')}:${dirname(process.execPath)}:${process.env['PATH']}`;
/** What has our name below the home, other than the command itself. */
const left = async (person: Person) =>
  (await person.spawn('find', ['.', '-path', '*orgkey*', '-not', '-path', './bin/*'])).stdout.trim();
const daemons = (person: Person) => processesWith(`HOME=${person.home}`).length;

test.serial('GitLab: the ID token of the job signs in, and after_script leaves nothing', async (t) => {
  const {build} = parse(readFileSync(join(examples, 'gitlab-ci.yml'), 'utf8'));
  const person = machine(t);
  const issuer = cloud.addIssuer('https://gitlab.example.com');
  const subject = 'project_path:contoso/site:ref_type:branch:ref:main';
  world.trust({issuer: issuer.url, subject});
  const {aud: audience} = build.id_tokens.ORGKEY_ID_TOKEN;
  const project = person.path('builds/site');
  const variables: Record<string, string> = {
    PATH: pathOf(person),
    CI_PROJECT_DIR: project,
    AZURE_CLIENT_ID: clientId,
    AZURE_TENANT_ID: tenantId,
    ORGKEY_ID_TOKEN: issuer.token({subject, audience}),
  };
  // the runner expands variables in variables
  for (const [name, value] of Object.entries<string>(build.variables))
    variables[name] = value.replaceAll('$CI_PROJECT_DIR', project);
  await person.spawn('mkdir', ['-p', project]);
  const shell = (lines: readonly string[], environment = variables) =>
    person.spawn('sh', ['-e', '-c', lines.join('\n')], {environment, directory: project});
  const ran = await shell([...build.before_script, ...build.script, 'cat site/site.txt site/deep/deep.txt']);
  t.is(ran.code, 0, ran.stderr);
  t.regex(ran.stdout, /^sitedeep$/m);
  t.false(ran.stderr.includes(variables['ORGKEY_ID_TOKEN'] ?? ''));
  t.is(daemons(person), 1);
  // GitLab starts a new shell, which knows only the variables of the job
  const after = await shell(build.after_script);
  t.is(after.code, 0, after.stderr);
  t.is(await left(person), '');
  t.is(daemons(person), 0);
});

test.serial('Jenkins: the variables of one step serve the next, and post leaves nothing', async (t) => {
  const text = readFileSync(join(examples, 'Jenkinsfile'), 'utf8');
  const [, start = ''] = /script: '(.+)'$/m.exec(text) ?? [];
  const [clone = '', stop = ''] = [...text.matchAll(/^ +sh '(.+)'$/gm)].map(([, script = '']) => script);
  const person = machine(t);
  const identity = cloud.addManagedIdentity({kind: 'system-assigned'});
  for (const name of ['contoso', 'fabrikam']) cloud.azureDevOps.organization(name)?.addMember(identity);
  const workspace = person.path('workspace/site');
  await person.spawn('mkdir', ['-p', workspace]);
  const variables = {
    PATH: pathOf(person),
    WORKSPACE_TMP: `${workspace}@tmp`,
    ORGKEY_JOB_DIR: `${workspace}@tmp/orgkey`,
    JENKINS_NODE_COOKIE: 'cookie',
  };
  const step = (script: string, more = {}) =>
    person.spawn('sh', ['-xe', '-c', script], {environment: {...variables, ...more}, directory: workspace});
  const started = await step(start);
  t.is(started.code, 0, started.stderr);
  const withEnv = Object.fromEntries(
    started.stdout
      .trim()
      .split('\n')
      .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  t.deepEqual(Object.keys(withEnv).toSorted(), [
    'GIT_CONFIG_COUNT',
    'GIT_CONFIG_KEY_0',
    'GIT_CONFIG_VALUE_0',
    'ORGKEY_CONFIG',
    'ORGKEY_JOB_DIR',
    'ORGKEY_NO_START',
    'ORGKEY_RUNTIME_DIR',
    'ORGKEY_STATE_DIR',
    'PATH',
  ]);
  const cloned = await step(clone, withEnv);
  t.is(cloned.code, 0, cloned.stderr);
  // outside of withEnv git has no credential
  t.not((await step('git ls-remote https://dev.azure.com/contoso/Web/_git/site')).code, 0);
  t.is((await step(stop)).code, 0);
  t.is(await left(person), '');
});

test.serial('job start refuses a directory that others can write to, and one of another job', async (t) => {
  // without a network nothing is asked
  const person = machine(t, {});
  const directory = person.path('shared');
  await person.spawn('sh', ['-c', `mkdir ${directory} && chmod 777 ${directory}`]);
  const config = person.write(
    'config.yaml',
    'integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: canary-pat}]}]}',
  );
  const open = await person.run('job start', ['--config', config, '--directory', directory]);
  t.is(open.code, 2);
  t.regex(open.stderr, /is not a directory that only we can write to/);

  const own = ['--directory', person.path('own')];
  const first = await person.run('job start', ['--config', config, ...own]);
  t.regex(first.stdout, /^export ORGKEY_JOB_DIR='.*\/own'$/m, first.stderr);
  const second = await person.run('job start', ['--config', config, ...own]);
  t.is(second.code, 2);
  t.regex(second.stderr, /this job has a daemon already, in .*\/own\n.*orgkey job stop/);
  t.is((await person.run('job stop', own)).code, 0);
  const again = await person.run('job stop', own);
  t.is(again.code, 0);
  t.regex(again.stderr, /nothing is left to stop/);
});

test.serial('job stop removes nothing that job start did not make', async (t) => {
  const person = machine(t);
  const precious = person.write('precious/file', 'x');
  t.is((await person.run('job stop', ['--directory', dirname(precious)])).code, 0);
  // a record in a directory that others can write to is not believed
  const shared = person.path('shared');
  await person.spawn('sh', ['-c', `mkdir ${shared} && chmod 777 ${shared}`]);
  writeFileSync(join(shared, 'job.json'), JSON.stringify({runtime: dirname(precious), state: shared}));
  t.is((await person.run('job stop', ['--directory', shared])).code, 0);
  t.is(person.read('precious/file'), 'x');
  const none = await person.run('job stop');
  t.is(none.code, 2);
  t.regex(none.stderr, /this job has no daemon/);
});

const mistakes: Record<string, readonly [argv: readonly string[], message: RegExp]> = {
  nothing: [[], /neither an organization nor a configuration is named/],
  'an organization without a way to sign in': [['--organization', 'contoso'], /no way to sign in is given/],
  'both a file and an organization': [
    ['--config', 'a', '--organization', 'b', '--stored'],
    /exclude each other/,
  ],
  'a project without an organization': [
    ['--config', 'a', '--over-https', 'Web'],
    /--over-https takes ORGANIZATION\/PROJECT, not Web/,
  ],
};

for (const [title, [argv, message]] of Object.entries(mistakes)) {
  test.serial(`job start names what is wrong, and leaves nothing: ${title}`, async (t) => {
    const person = machine(t);
    const {code, stdout, stderr} = await person.run('job start', argv);
    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.is(await left(person), '');
  });
}
