import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {ServiceConnection} from '../cloud/pipeline-oidc.ts';
import {AzureAgent, builtOrgkey, setupOrgkey, type JobOptions} from '../helpers/pipeline-job.ts';
import {cloneSite, PipelineWorld} from '../helpers/pipeline-world.ts';

const task = JSON.parse(readFileSync(join(setupOrgkey, 'task.json'), 'utf8'));
const world = await PipelineWorld.start();
const {cloud, clientId, tenantId} = world;
const contoso = cloud.addOrganization('pipelines');
test.after.always(() => cloud.close());

const inputs = {organizations: 'contoso\nfabrikam', overHttps: 'fabrikam/Lib', path: builtOrgkey};

interface Job {
  readonly agent: AzureAgent;
  readonly connection: ServiceConnection;
  /** What the agent gives a task that names the connection. */
  readonly endpoints: Record<string, string>;
}

function job(t: ExecutionContext, options: JobOptions = {}): Job {
  const connection = cloud.addServiceConnection(contoso, {name: t.title});
  world.trust(connection.credential);
  const {SYSTEM_OIDCREQUESTURI, SYSTEM_ACCESSTOKEN} = connection.environment;
  const environment = {...cloud.environment(), SYSTEM_OIDCREQUESTURI, ...options.environment};
  const endpoints = {
    INPUT_SERVICECONNECTION: connection.id,
    [`ENDPOINT_AUTH_SCHEME_${connection.id}`]: 'WorkloadIdentityFederation',
    [`ENDPOINT_AUTH_PARAMETER_${connection.id}_SERVICEPRINCIPALID`]: clientId,
    [`ENDPOINT_AUTH_PARAMETER_${connection.id}_TENANTID`]: tenantId,
    ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: SYSTEM_ACCESSTOKEN,
  };
  return {agent: new AzureAgent(t, task, {...options, environment}), connection, endpoints};
}

const tokensFor = ({environment}: ServiceConnection) =>
  cloud.requests
    .filter({endpoint: 'pipelines-oidc'})
    .filter(({authorization}) => authorization?.secret === environment.SYSTEM_ACCESSTOKEN);

test.serial('a job with a service connection clones two organizations, and leaves nothing', async (t) => {
  const {agent, endpoints, connection} = job(t);
  const started = await agent.use(inputs, endpoints);
  t.false(agent.hasFailed, started.log + agent.issues.join('\n'));
  const cloned = await agent.run(cloneSite(world.site));
  t.is(cloned?.code, 0, cloned?.log);
  t.is(cloned?.log.trim(), 'deeplibsiblingsite');
  t.true(agent.left.length > 10);
  t.is((await agent.post()).code, 0);
  t.deepEqual(await agent.remains(), []);

  const [asked, ...more] = tokensFor(connection);
  t.deepEqual(more, [], 'both organizations have one token');
  t.is(asked?.method, 'POST');
  t.deepEqual(asked?.query, {'api-version': '7.1', serviceConnectionId: connection.id});
  t.like(asked?.headers, {
    'content-type': 'application/json',
    'content-length': '0',
    'x-tfs-fedauthredirect': 'Suppress',
  });
});

test.serial('the token of the job is masked in each form, and in no variable', async (t) => {
  const {agent, endpoints, connection} = job(t);
  await agent.use(inputs, endpoints);
  const token = connection.environment.SYSTEM_ACCESSTOKEN;
  const basic = [`:${token}`, `orgkey:${token}`].map((login) => Buffer.from(login).toString('base64'));
  t.deepEqual(agent.masks, [token, ...basic]);
  t.false(JSON.stringify(agent.environment).includes(token));
  const shown = await agent.run(`echo ${token}`);
  t.is(shown?.log.trim(), '***');
  await agent.post();
});

test.serial('after the assertion has expired, a new one is asked for, as for each exchange', async (t) => {
  const {agent, endpoints, connection} = job(t);
  await agent.use(inputs, endpoints);
  const before = tokensFor(connection).length;
  // long after the end of the first assertion
  cloud.clockOffset = 3_600_000;
  t.teardown(() => (cloud.clockOffset = 0));
  const again = await agent.run(`orgkey cache clear && git ls-remote --quiet ${world.site}`);
  t.is(again?.code, 0, again?.log);
  t.true(tokensFor(connection).length > before);
  const assertions = cloud.requests
    .filter({endpoint: 'token'})
    .flatMap(({form}) => form['client_assertion'] ?? []);
  t.true(assertions.length > 1);
  t.is(new Set(assertions).size, assertions.length);
  await agent.post();
  t.deepEqual(await agent.remains(), []);
});

test.serial('after a failed step the post-job step still removes everything', async (t) => {
  const {agent, endpoints} = job(t);
  await agent.use(inputs, endpoints);
  await agent.run('exit 3');
  t.true(agent.hasFailed);
  await agent.post();
  t.deepEqual(await agent.remains(), []);
});

test.serial('a wrong token of the job fails the task with the reason', async (t) => {
  const {agent, endpoints} = job(t);
  const wrong = {...endpoints, ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: 'wrong.token'};
  const started = await agent.use(inputs, wrong);
  t.true(agent.hasFailed);
  t.regex(started.log, /Azure Pipelines did not issue a token to the job \(HTTP 401: TF400813: /);
  await agent.post();
  t.deepEqual(await agent.remains(), []);
});

test.serial('the token of the job serves its own organization, and is in no file', async (t) => {
  const {agent, endpoints, connection} = job(t);
  const token = connection.environment.SYSTEM_ACCESSTOKEN;
  contoso.addPat({value: token});
  const {url} = contoso.addRepository('Web/own', {files: {'own.txt': 'own'}});
  const {INPUT_SERVICECONNECTION: _, ...others} = endpoints;
  await agent.use({organizations: 'pipelines', useJobToken: 'true', path: builtOrgkey}, others);
  const cloned = await agent.run(`git clone --quiet ${url} own && cat own/own.txt`);
  t.is(cloned?.log.trim(), 'own');
  const found = await agent.run(`grep -rl '${token}' "$AGENT_TEMPDIRECTORY" || true`);
  t.is(found?.log.trim(), '');
  await agent.post();
  t.deepEqual(await agent.remains(), []);
});

test.serial('a managed identity needs no service connection', async (t) => {
  const identity = cloud.addManagedIdentity({kind: 'system-assigned'});
  cloud.azureDevOps.organization('contoso')?.addMember(identity);
  const {agent, endpoints} = job(t);
  const {INPUT_SERVICECONNECTION: _, ...others} = endpoints;
  const started = await agent.use(
    {organizations: 'contoso', managedIdentity: 'system-assigned', path: builtOrgkey},
    others,
  );
  t.false(agent.hasFailed, started.log);
  t.is((await agent.run('git ls-remote --quiet https://dev.azure.com/contoso/Web/_git/sibling'))?.code, 0);
  await agent.post();
  t.deepEqual(await agent.remains(), []);
});

const key = 'http.https://dev.azure.com/contoso/Web/_git/site.extraheader';

/** As a checkout with persistCredentials leaves its repository. */
const persist = `git init --quiet . && git remote add origin https://dev.azure.com/contoso/Web/_git/site &&
  git config ${key} 'AUTHORIZATION: bearer canary' && git config http.https://dev.azure.com/other.extraheader 'AUTHORIZATION: bearer other'`;

test.serial('a header that a checkout persisted is reported with key, file and line', async (t) => {
  const {agent, endpoints} = job(t);
  await agent.run(persist);
  const started = await agent.use(inputs, endpoints);
  t.false(agent.hasFailed, started.log);
  const line = readFileSync(join(agent.workspace, '.git/config'), 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('canary'));
  t.true(
    started.log.includes(
      `git sends an Authorization header of its own and does not ask orgkey: ${key}: local, ${agent.workspace}/.git/config, line ${line + 1}`,
    ),
    started.log,
  );
  t.regex(
    started.log,
    /hint: set persistCredentials: false for the checkout, or run in .*: git config --local --unset-all/,
  );
  t.notRegex(started.log, /canary|other/);
  t.regex((await agent.run(`git config ${key}`))?.log ?? '', /canary/);
  await agent.post();
});

test.serial('a header that a checkout persisted is removed if wanted, and only that', async (t) => {
  const {agent, endpoints} = job(t);
  await agent.run(`${persist} && git config --add ${key} 'X-Id: 1'`);
  const started = await agent.use({...inputs, removeHeaders: 'true'}, endpoints);
  t.regex(started.log, /git: removed the Authorization header http\.https:/);
  const rest = await agent.run('git config --get-regexp extraheader | sort');
  t.is(
    rest?.log.trim(),
    `${key} X-Id: 1\nhttp.https://dev.azure.com/other.extraheader AUTHORIZATION: bearer other`,
  );
  t.is((await agent.run('git fetch --quiet origin'))?.code, 0);
  await agent.post();
});

const refusals: Record<
  string,
  readonly [inputs: Record<string, string>, endpoints: Record<string, string>, issue: RegExp]
> = {
  'no organization': [{organizations: ''}, {}, /the input organizations is missing; name the organizations/],
  'no way to sign in': [
    {},
    {INPUT_SERVICECONNECTION: ''},
    /no way to sign in is given; give serviceConnection, managedIdentity or useJobToken/,
  ],
  'a wrong identity': [
    {managedIdentity: 'mine'},
    {},
    /the input managedIdentity is not valid: mine; give a client ID/,
  ],
  'two ways': [
    {managedIdentity: 'system-assigned'},
    {},
    /the input managedIdentity and the input serviceConnection exclude each other/,
  ],
  'a wrong tenant': [
    {tenantId: 'contoso.com'},
    {},
    /the input tenantId is not valid: contoso\.com; give a GUID/,
  ],
};

for (const [title, [given, endpoints, issue]] of Object.entries(refusals)) {
  test.serial(`a wrong input of the task is named with its repair: ${title}`, async (t) => {
    const {agent, endpoints: named} = job(t);
    await agent.use({...inputs, ...given}, {...named, ...endpoints});
    t.true(agent.hasFailed);
    t.regex(agent.issues[0] ?? '', issue);
    await agent.post();
    t.deepEqual(await agent.remains(), []);
  });
}

test.serial('a service connection with a secret is refused, with the repair', async (t) => {
  const {agent, endpoints, connection} = job(t);
  await agent.use(inputs, {...endpoints, [`ENDPOINT_AUTH_SCHEME_${connection.id}`]: 'ServicePrincipal'});
  t.true(agent.hasFailed);
  t.regex(
    agent.issues[0] ?? '',
    /signs in with ServicePrincipal, not with workload identity federation; convert it/,
  );
});
