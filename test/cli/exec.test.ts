import test from 'ava';
import {startDaemon} from '../helpers/daemon.ts';
import {Person} from '../helpers/command-line.ts';
import {personWithDaemon} from '../helpers/person-with-daemon.ts';

test.serial('exec sets the variables that tools read, and returns the exit code', async (t) => {
  const {person} = await personWithDaemon(t);
  const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
  const printed = await person.run('exec contoso', [...feeds, '--', 'env', '-0']);
  t.is(printed.code, 0, printed.stderr);
  const variables = Object.fromEntries(
    printed.stdout.split('\0').map((line) => line.split(/=(.*)/s) as [string, string]),
  );
  const pat = 'canary-pat-0123456789';
  t.is(variables['SYSTEM_ACCESSTOKEN'], pat);
  t.is(variables['AZURE_DEVOPS_EXT_PAT'], pat);
  t.is(variables['npm_config_//pkgs.dev.azure.com/contoso/:_auth'], btoa(`orgkey:${pat}`));
  t.deepEqual(JSON.parse(variables['VSS_NUGET_EXTERNAL_FEED_ENDPOINTS'] ?? ''), {
    endpointCredentials: [
      {
        endpoint: 'https://pkgs.dev.azure.com/contoso/_packaging/packages/nuget/v3/index.json',
        username: 'orgkey',
        password: pat,
      },
      {
        endpoint: 'https://pkgs.dev.azure.com/contoso/Project%20X/_packaging/My.Feed/nuget/v3/index.json',
        username: 'orgkey',
        password: pat,
      },
    ],
  });
  t.is(
    variables['PIP_INDEX_URL'],
    `https://orgkey:${pat}@pkgs.dev.azure.com/contoso/_packaging/packages/pypi/simple/`,
  );
  t.is(variables['UV_INDEX_MY_FEED_PASSWORD'], pat);
  t.is(variables['MAVEN_FEED_PASSWORD'], pat);
  t.is(variables['CARGO_REGISTRIES_MY_FEED_TOKEN'], `Basic ${btoa(`orgkey:${pat}`)}`);
  t.is(variables['HOME'], person.home, 'the rest of the environment is kept');

  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'exit 7'])).code, 7);
  t.is((await person.run('exec contoso', ['--', 'sh', '-c', 'kill -TERM $$'])).code, 143);
  t.is((await person.run('exec contoso', ['--', 'no-such-program'])).code, 127);
  t.is((await person.run('exec contoso', ['--', '/etc/passwd'])).code, 126);
  t.is((await person.run('exec contoso', ['--', 'printf', '%s', '--json'])).stdout, '--json');
  t.is((await person.run('exec contoso', ['--feed', 'a/b/c', '--', 'true'])).code, 2);
});

const servers = `integrations:
  azure:
    - {host: azure.example.org, credentials: [{organizations: [DefaultCollection], personalAccessToken: canary-server-pat}]}
    - {host: intranet, credentials: [{personalAccessToken: canary-server-pat}]}
`;

for (const [organization, base] of [
  ['azure.example.org/DefaultCollection', 'azure.example.org/DefaultCollection'],
  ['Azure.Example.org/tfs/DefaultCollection', 'azure.example.org/tfs/DefaultCollection'],
  ['intranet/Any one', 'intranet/Any%20one'],
] as const) {
  test.serial(`exec sends the token of a server only to that server: ${organization}`, async (t) => {
    const daemon = await startDaemon({configuration: servers});
    t.teardown(() => daemon.close());
    const person = new Person(t, {...daemon.environment, https_proxy: ''});
    const feeds = ['--feed', 'packages', '--feed', 'Project X/My.Feed'];
    const {code, stdout, stderr} = await person.run('exec', [organization, ...feeds, '--', 'env', '-0']);
    t.is(code, 0, stderr);
    const pat = 'canary-server-pat';
    const variables = stdout
      .split('\0')
      .filter((line) => line.includes(pat) || line.includes('/_packaging/'));
    t.true(
      variables.includes(`PIP_INDEX_URL=https://orgkey:${pat}@${base}/_packaging/packages/pypi/simple/`),
    );
    t.true(variables.some((line) => line.startsWith(`MAVEN_FEED_URL=https://${base}/_packaging/packages/`)));
    t.true(stdout.includes(`npm_config_//${base}/:_auth=${btoa(`orgkey:${pat}`)}`));
    t.true(stdout.includes(`sparse+https://${base}/Project%20X/_packaging/My.Feed/Cargo/index/`));
    const hosts = stdout
      .split('\0')
      .flatMap((line) => [...line.matchAll(/\/\/(?:[^/@\s"]*@)?([^/:\s"]+)/g)].map(([, host]) => host));
    t.deepEqual([...new Set(hosts)], [base.slice(0, base.indexOf('/'))]);
  });
}

test.serial('exec fails if the collection of a server is missing', async (t) => {
  const daemon = await startDaemon({configuration: servers});
  t.teardown(() => daemon.close());
  const person = new Person(t, daemon.environment);
  for (const organization of ['intranet', 'intranet/']) {
    const {code, stdout, stderr} = await person.run('exec', [organization, '--', 'env']);
    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /error: no collection of intranet is named\n.*orgkey exec intranet\/Default/);
  }
});
