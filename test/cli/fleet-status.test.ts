import test, {type ExecutionContext} from 'ava';
import {Person} from '../helpers/command-line.ts';
import {type TestDaemon, daemonFor} from '../helpers/daemon.ts';

/** Two organizations fail for one reason, one for another, and one is served. */
const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [Contoso], personalAccessToken: canary-pat-0123456789}
        - {organizations: [fabrikam, northwind], personalAccessToken: {$command: [/bin/false]}}
    - host: tfs1.example.org
      credentials: [{organizations: [DefaultCollection], personalAccessToken: {$command: [/bin/false]}}]
    - host: tfs2.example.org
      credentials: [{organizations: [DefaultCollection], personalAccessToken: canary-pat-9876543210}]
`;

async function world(t: ExecutionContext): Promise<{daemon: TestDaemon; person: Person}> {
  const daemon = await daemonFor(t, {configuration});
  for (const organization of ['contoso', 'fabrikam'])
    await daemon.get({protocol: 'https', host: 'dev.azure.com', path: `${organization}/p/_git/r`});
  for (const host of ['tfs1.example.org', 'tfs2.example.org'])
    await daemon.get({protocol: 'https', host, path: 'DefaultCollection/p/_git/r'});
  const person = new Person(t, {...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
  return {daemon, person};
}

test.serial('status says first how many fail, and names those that share a cause', async (t) => {
  const {person} = await world(t);
  const {code, stdout} = await person.run('status');
  t.is(code, 1);
  t.is(stdout.split('\n')[0], '3 of 5 organizations fail');
  t.regex(stdout, /^error: .*fabrikam, northwind.*\(ERR_SECRET_COMMAND\)$/m);
  t.true(stdout.includes('tfs1.example.org/DefaultCollection'), 'nothing is cut in a pipe');
  t.is(stdout.match(/^error: /gm)?.length, 1);
});

for (const [argv, code, names] of [
  [['--failed'], 1, ['fabrikam', 'northwind', 'DefaultCollection']],
  [['contoso'], 0, ['Contoso']],
  [['CONTOSO', 'northwind'], 1, ['Contoso', 'northwind']],
  [['tfs2.example.org/defaultcollection'], 0, ['DefaultCollection']],
  [['defaultcollection'], 1, ['DefaultCollection', 'DefaultCollection']],
  [['contoso', '--failed'], 0, []],
] as const) {
  test.serial(`status ${argv.join(' ')} shows and judges only what is asked for`, async (t) => {
    const {person} = await world(t);
    const run = await person.run('status', [...argv, '--json']);
    const {organizations, notices} = JSON.parse(run.stdout) as {
      organizations: {organization: string}[];
      notices: {about: string}[];
    };
    t.is(run.code, code, run.stdout);
    t.deepEqual(
      organizations.map(({organization}) => organization),
      [...names],
    );
    t.is(
      notices.some(({about}) => about === 'organization'),
      code === 1,
    );
  });
}

test.serial('an organization that is not configured is a wrong argument', async (t) => {
  const {person} = await world(t);
  const {code, stderr} = await person.run('status', ['nosuch']);
  t.is(code, 2);
  t.regex(stderr, /nosuch is not configured/);
});

function labels(host: string, organization: string): string {
  return `host="${host}",organization="${organization}"`;
}

test.serial('metrics tell servers apart, have one case, and repeat no sample', async (t) => {
  const {person} = await world(t);
  const {stdout} = await person.run('metrics');
  const samples = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = samples.map((line) => line.slice(0, line.lastIndexOf(' ')));
  t.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
  for (const expected of [
    `orgkey_requests_total{${labels('tfs1.example.org', 'defaultcollection')},socket="git",kind="pat",outcome="failed"} 1`,
    `orgkey_requests_total{${labels('tfs2.example.org', 'defaultcollection')},socket="git",kind="pat",outcome="served"} 1`,
    `orgkey_requests_total{${labels('dev.azure.com', 'contoso')},socket="git",kind="pat",outcome="served"} 1`,
    `orgkey_token_failure{${labels('tfs1.example.org', 'defaultcollection')},kind="pat",code="ERR_SECRET_COMMAND"} 1`,
    'orgkey_healthy 0',
    'orgkey_configuration_valid 1',
  ])
    t.true(samples.includes(expected), `${expected}\n${stdout}`);
  t.regex(
    stdout,
    /^orgkey_acquisitions_total\{kind="pat",result="failed",code="ERR_SECRET_COMMAND"\} [1-9]/m,
  );
  t.regex(stdout, /^process_start_time_seconds 1[0-9.]+$/m);
});

test.serial('the summary of those that fail counts all organizations', async (t) => {
  const {person} = await world(t);
  const {stdout} = await person.run('status', ['--failed']);
  t.is(stdout.split('\n')[0], '3 of 5 organizations fail');
  t.false(stdout.includes('Contoso'));
});

test.serial('doctor --failed looks only at organizations that status reports', async (t) => {
  const {person} = await world(t);
  const {code, stdout, stderr} = await person.run('doctor', ['--failed', '--json']);
  t.is(code, 1, stderr);
  const {diagnostics}: {diagnostics: readonly {group: string}[]} = JSON.parse(stdout);
  const groups = new Set(diagnostics.map(({group}) => group));
  t.true(groups.has('fabrikam'));
  t.true(groups.has('tfs1.example.org/DefaultCollection'));
  t.false(groups.has('Contoso'));
  t.false(groups.has('tfs2.example.org/DefaultCollection'));
});
