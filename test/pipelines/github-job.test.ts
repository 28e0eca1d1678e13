import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import type {GithubJob} from '../cloud/pipeline-oidc.ts';
import {until} from '../helpers/patience.ts';
import {builtOrgkey, GithubRunner, type JobOptions} from '../helpers/pipeline-job.ts';
import {cloneSite, PipelineWorld} from '../helpers/pipeline-world.ts';
import {otherNode} from '../helpers/packed.ts';
import {testUnless} from '../helpers/test-unless.ts';

const action = parse(readFileSync(join(import.meta.dirname, '../../action.yml'), 'utf8'));
const world = await PipelineWorld.start();
const {cloud, clientId, tenantId} = world;
test.after.always(() => cloud.close());
world.trust(cloud.addGithubJob().credential);

const inputs = {
  organizations: 'contoso, fabrikam',
  'client-id': clientId,
  'tenant-id': tenantId,
  'over-https': 'fabrikam/Lib',
  path: builtOrgkey,
};

/** A job of its own, whose OIDC token the application trusts. */
function job(t: ExecutionContext, options: JobOptions = {}): {runner: GithubRunner; oidc: GithubJob} {
  const oidc = cloud.addGithubJob();
  const environment = {...cloud.environment(), ...oidc.environment, ...options.environment};
  return {runner: new GithubRunner(t, action, {...options, environment}), oidc};
}

const tokensFor = ({environment}: GithubJob) =>
  cloud.requests
    .filter({endpoint: 'github-oidc'})
    .filter(({authorization}) => authorization?.secret === environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN);

const oldNode = otherNode('20.19.5');
for (const [name, node, testIt] of [
  ['Node 24', process.execPath, test.serial],
  [
    'Node 20',
    oldNode,
    testUnless(oldNode === undefined ? 'the registry does not have it' : undefined, test.serial),
  ],
] as const) {
  testIt(`${name}: a job clones two organizations without a secret, and leaves nothing`, async (t) => {
    const {runner} = job(t, {node: node ?? ''});
    const started = await runner.use(inputs);
    t.is(started.code, 0, started.log);
    const cloned = await runner.run(cloneSite(world.site));
    t.is(cloned?.code, 0, cloned?.log);
    t.is(cloned?.log.trim(), 'deeplibsiblingsite');
    const asked = await runner.run('orgkey status --json | grep -c \'"state": "ok"\'; type -p orgkey');
    t.regex(asked?.log ?? '', /\/work\/_temp\/orgkey-\w+\/job\/bin\/orgkey$/m);
    t.true(runner.left.length > 10);
    const ended = await runner.post();
    t.is(ended.code, 0, ended.log);
    t.deepEqual(await runner.remains(), []);
    t.is(cloud.sshRequests.filter({}).length, 0);
  });
}

test.serial('the variables of the job hold no secret, and its log shows none', async (t) => {
  const {runner, oidc} = job(t);
  await runner.use(inputs);
  await runner.run(cloneSite(world.site));
  await runner.post();
  const secrets = cloud.requests
    .filter({endpoint: 'git'})
    .flatMap(({authorization}) => authorization?.secret ?? []);
  t.true(secrets.length > 0);
  const added = Object.entries(runner.environment).filter(([name]) => !(name in oidc.environment));
  const shown = `${JSON.stringify(added)}${JSON.stringify(runner.steps)}`;
  for (const secret of [...secrets, oidc.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN])
    t.false(shown.includes(secret));
});

test.serial('after the assertion has expired, a new one is asked for, as for each exchange', async (t) => {
  const {runner, oidc} = job(t);
  await runner.use(inputs);
  const before = tokensFor(oidc).length;
  t.true(before > 0);
  // long after the end of the first assertion
  cloud.clockOffset = 3_600_000;
  t.teardown(() => (cloud.clockOffset = 0));
  const again = await runner.run(`orgkey cache clear && git ls-remote --quiet ${world.site}`);
  t.is(again?.code, 0, again?.log);
  const asked = tokensFor(oidc);
  t.true(asked.length > before);
  for (const {method, query, headers} of asked) {
    t.is(method, 'GET');
    t.deepEqual(query, {'api-version': '2.0', audience: 'api://AzureADTokenExchange'});
    t.regex(headers['authorization'] ?? '', /^bearer gha\./i);
  }
  const assertions = cloud.requests
    .filter({endpoint: 'token'})
    .flatMap(({form}) => form['client_assertion'] ?? []);
  t.true(assertions.length > 1);
  t.is(new Set(assertions).size, assertions.length);
  await runner.post();
  t.deepEqual(await runner.remains(), []);
});

test.serial('after a failed step the post step still removes everything', async (t) => {
  const {runner} = job(t);
  await runner.use(inputs);
  const failed = await runner.run('git ls-remote --quiet https://dev.azure.com/contoso/Web/_git/missing');
  t.not(failed?.code, 0);
  t.is(await runner.run('echo never'), undefined);
  t.is((await runner.post()).code, 0);
  t.deepEqual(await runner.remains(), []);
});

test.serial('a job that is canceled while it starts leaves nothing', async (t) => {
  const {runner, oidc} = job(t);
  const fault = cloud.fault({endpoint: 'token', hang: true});
  const using = runner.use(inputs, (child) => {
    void until('the question for a token', () => tokensFor(oidc).length, Boolean).then(() =>
      child.kill('SIGINT'),
    );
  });
  const started = await using;
  fault.clear();
  t.not(started.code, 0);
  t.is((await runner.post()).code, 0);
  t.deepEqual(await runner.remains(), []);
});

test.serial('if the post step cannot run, the runner ends the daemon', async (t) => {
  const {runner} = job(t);
  await runner.use(inputs);
  t.is(runner.orphans().length, 1);
  t.is(runner.endOrphans().length, 1);
});

test.serial('a daemon that hangs is killed by the post step', async (t) => {
  const {runner} = job(t);
  await runner.use(inputs);
  const [pid = 0] = runner.orphans();
  process.kill(pid, 'SIGSTOP');
  const ended = await runner.post();
  t.is(ended.code, 0, ended.log);
  t.deepEqual(await runner.remains(), []);
});

test.serial('if the path is too long for sockets, they are elsewhere, and are removed too', async (t) => {
  const {runner} = job(t, {temporary: `work/${'long'.repeat(20)}/_temp`});
  const started = await runner.use(inputs);
  t.is(started.code, 0, started.log);
  const runtime = runner.environment['ORGKEY_RUNTIME_DIR'] ?? '';
  t.false(runtime.startsWith(runner.temporary));
  t.true(runtime.length < 55, runtime);
  const cloned = await runner.run(cloneSite(world.site));
  t.is(cloned?.code, 0, cloned?.log);
  await runner.post();
  t.deepEqual(await runner.remains(), []);
  t.throws(() => readFileSync(runtime), {code: 'ENOENT'});
});

test.serial(
  'a job without the permission, and a pull request from a fork, learn what is missing',
  async (t) => {
    const {runner} = job(t, {
      environment: {ACTIONS_ID_TOKEN_REQUEST_URL: '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: ''},
    });
    t.is((await runner.use(inputs)).code, 1);
    t.deepEqual(runner.commands, [
      '::error title=orgkey::this job may not ask for an OIDC token\nhint: add to the job: permissions: {id-token: write, contents: read}; a pull request from a fork never may',
    ]);
    await runner.post();
    t.deepEqual(await runner.remains(), []);
  },
);

test.serial('an application that does not trust the job fails the step with the reason', async (t) => {
  const stranger = cloud.addGithubJob('repo:contoso/other:ref:refs/heads/main');
  const {runner} = job(t, {environment: stranger.environment});
  const started = await runner.use(inputs);
  t.is(started.code, 1);
  t.regex(started.log, /AADSTS700213|AADSTS70021/);
  await runner.post();
  t.deepEqual(await runner.remains(), []);
});

test.serial('the header that a checkout left for another host stays', async (t) => {
  const {runner} = job(t);
  const kept = 'AUTHORIZATION: basic Y2FuYXJ5';
  await runner.run(
    `git init --quiet . && git config http.https://github.com/.extraheader '${kept}' && git config http.https://dev.azure.com/contoso.extraheader 'X-Id: 1'`,
  );
  const started = await runner.use({...inputs, 'remove-headers': 'true'});
  t.is(started.code, 0, started.log);
  t.notRegex(started.log, /extraheader/);
  const rest = await runner.run('git config --get-regexp extraheader | sort');
  t.is(
    rest?.log.trim(),
    `http.https://dev.azure.com/contoso.extraheader X-Id: 1\nhttp.https://github.com/.extraheader ${kept}`,
  );
  await runner.post();
});

test.serial('with tools, the package tools of later steps get tokens of the daemon', async (t) => {
  const {runner} = job(t, {environment: {CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS: 'cargo:libsecret'}});
  const started = await runner.use({...inputs, tools: 'true'});
  t.is(started.code, 0, started.log);
  const feed = 'https://pkgs.dev.azure.com/contoso/Web/_packaging/tools/pypi/simple/';
  const asked = await runner.run(`
    keyring get ${feed} VssSessionToken | wc -c
    type -p cargo-credential-orgkey orgkey-goauth nuget-plugin-orgkey | wc -l
    echo "$PIP_KEYRING_PROVIDER $UV_KEYRING_PROVIDER $GOAUTH $CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"`);
  const [token, programs, variables] = asked?.log.trim().split('\n') ?? [];
  t.true(Number(token) > 100, asked?.log);
  t.is(programs, '3');
  t.is(variables, 'subprocess subprocess orgkey-goauth;netrc cargo:libsecret cargo-credential-orgkey');
  await runner.post();
  t.deepEqual(await runner.remains(), []);
});

test.serial('a second use in one job is refused, and the first one goes on', async (t) => {
  const {runner} = job(t);
  await runner.use(inputs);
  const second = await runner.use(inputs);
  t.is(second.code, 1);
  t.regex(second.log, /this job has a daemon already/);
});

test.serial(
  'with a configuration, each organization has its own identity, and its secret is masked',
  async (t) => {
    const adventure = cloud.addOrganization('adventure');
    const pat = adventure.addPat().value;
    const {url} = adventure.addRepository('p/r', {files: {'r.txt': 'r'}});
    const {runner} = job(t, {environment: {ADVENTURE_PAT: pat}});
    const configuration = `integrations:
  azure:
    - credentials:
        - {organizations: [contoso, fabrikam], clientId: ${clientId}, tenantId: ${tenantId}, oidc: github-actions}
        - {organizations: [adventure], personalAccessToken: "\${ADVENTURE_PAT}"}`;
    const started = await runner.use({configuration, path: builtOrgkey});
    t.is(started.code, 0, started.log);
    t.deepEqual(runner.masks, [
      pat,
      ...[`:${pat}`, `orgkey:${pat}`].map((login) => Buffer.from(login).toString('base64')),
    ]);
    for (const address of [world.site, url]) {
      const cloned = await runner.run(`git ls-remote --quiet ${address}`);
      t.is(cloned?.code, 0, cloned?.log);
    }
    await runner.post();
    t.deepEqual(await runner.remains(), []);
  },
);

test.serial('a job can end orgkey early and start it again', async (t) => {
  const {runner} = job(t);
  await runner.use(inputs);
  t.is((await runner.run('orgkey job stop'))?.code, 0);
  t.is(runner.orphans().length, 0);
  // git ignores the file that is gone
  t.is((await runner.run('git config --list >list; git --version'))?.code, 0);
  const again = await runner.use(inputs);
  t.is(again.code, 0, again.log);
  t.is(runner.environment['GIT_CONFIG_COUNT'], '1');
  t.is((await runner.run(`git ls-remote --quiet ${world.site}`))?.code, 0);
  await runner.post();
  t.is(runner.orphans().length, 0);
});

test.serial('variables of git that the job has already stay in force', async (t) => {
  const {runner} = job(t, {
    environment: {GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: 'a@example.org'},
  });
  await runner.use(inputs);
  const seen = await runner.run(`git config user.email && git ls-remote --quiet ${world.site} | wc -l`);
  t.regex(seen?.log ?? '', /^a@example\.org\n\d+/);
  await runner.post();
  t.deepEqual(await runner.remains(), []);
});

const refusals: Record<string, readonly [given: Record<string, string>, message: RegExp, hint: RegExp]> = {
  'no organization': [{organizations: ''}, /the input organizations is missing/, /such as contoso fabrikam/],
  'no tenant': [{'tenant-id': ''}, /the input tenant-id is missing/, /GUID of the tenant/],
  'a domain as tenant': [
    {'tenant-id': 'contoso.com'},
    /the input tenant-id is not valid: contoso\.com/,
    /a GUID/,
  ],
  'a wrong client': [{'client-id': '1'}, /the input client-id is not valid: 1/, /a GUID/],
  'no way to sign in': [{'client-id': ''}, /no way to sign in is given/, /client-id and tenant-id/],
  'a project without organization': [
    {'over-https': 'Lib'},
    /the input over-https is not valid: Lib/,
    /contoso\/Web/,
  ],
  'neither true nor false': [
    {'remove-headers': 'maybe'},
    /remove-headers is not valid: maybe/,
    /true or false/,
  ],
  'a missing program': [{path: '/nowhere/orgkey'}, /the input path is not valid/, /absolute path/],
  'a range of versions': [{path: '', version: '^1'}, /the input version is not valid: \^1/, /whole version/],
  'a configuration and organizations': [
    {configuration: 'a: b'},
    /exclude each other/,
    /into the configuration/,
  ],
  'a path as configuration': [
    {organizations: '', configuration: 'ci.yaml'},
    /the input configuration is not/,
    /configuration-file/,
  ],
  'a missing file': [
    {organizations: '', 'configuration-file': 'ci.yaml'},
    /configuration-file is not valid/,
    /check out/,
  ],
};

for (const [title, [given, message, hint]] of Object.entries(refusals)) {
  test.serial(`a wrong input is named with its repair: ${title}`, async (t) => {
    const {runner} = job(t);
    const started = await runner.use({...inputs, ...given});
    t.is(started.code, 1, started.log);
    const [said = ''] = runner.commands;
    t.regex(said, message);
    t.regex(said.split('\nhint: ')[1] ?? '', hint);
    await runner.post();
    t.deepEqual(await runner.remains(), []);
  });
}
